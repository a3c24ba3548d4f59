/** A batch under way: what its turns share and add to. */
import type { HomeChange } from '../log/change.ts';
import type { Address, Envelope } from '../model/envelope.ts';
import type { Send } from '../outbox/sends.ts';
import type { Census } from '../storage/port.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import type { Destinations, FollowUp } from '../turn/turned.ts';
import type { Item } from './cascade.ts';
import {
  CommitBuilder,
  type Rows,
  type Sending,
  type Settled,
  type Signal,
} from './commit-builder.ts';
import type { HomeCosts } from './home-costs.ts';
import type { JournalDays, Written } from './journal-days.ts';
import type { HomeObservers } from './observers.ts';
import { WorkingSet, type WorkingSetSource } from './working-set.ts';

/** What a batch needs to know of its surroundings. */
export interface BatchContext extends WorkingSetSource {
  destinations: Destinations;
  defaultTimezone: string;
  checkpointEvery: number;
  /** Bytes of JSON that the state of a twin may have. */
  stateBytes: number;
  newId: () => string;
  /** Kinds whose twins do not act: see `impulses`. */
  heldBack: ReadonlySet<string>;
  journalDays: Pick<JournalDays, 'usedBy' | 'isTold'>;
  /** What homes have cost whose kinds have `impulses`. */
  costs: HomeCosts;
}

/** A batch before its commit. */
export interface FoldedBatch {
  rows: Rows;
  /** False when nothing has to be stored. */
  changed: boolean;
  turns: number;
  /** Turns that the mail which led to most of them led to. */
  longestCascade: number;
  /** All twins whose copy in memory is another now. */
  twins: LiveTwin[];
  /** Homes of which memory does not know yet who watches whom, or not what it is now. */
  watches: { home: string; watches: HomeObservers }[];
  /** How many twins there are in homes in which one may have come into being. */
  censuses: { home: string; census: Census }[];
  written: Written;
  receipts: Settled[];
  sendings: Sending[];
  changes: (sendOf: (id: string) => Send, isFollowed: (home: string) => boolean) => HomeChange[];
  signals: Signal[];
}

/** What a turn has led to. */
export interface Led {
  /** Has those turn who watch the twin, before anything else happens; null: nobody does. */
  observe: ((next: Item[]) => Generator<undefined, void>) | null;
  /** The messages to other twins, for the next round. */
  told: Item[];
}
export const NOTHING: Led = { observe: null, told: [] };

/** Has observers turn, and adds what is for the next round. Gives way after each turn. */
export function* allOf({ observe, told }: Led, next: Item[]): Generator<undefined, void> {
  if (observe !== null) yield* observe(next);
  next.push(...told);
}

export class Folding {
  readonly context: BatchContext;
  /** The turns' own time, epoch ms. */
  readonly now: number;
  readonly workingSet: WorkingSet;
  readonly commit = new CommitBuilder();
  /** Turns to which one mail may lead before its home wants a batch of its own. */
  readonly noisyTurns: number;
  /** Turns that the mail which led to most of them led to. */
  longestCascade = 0;
  /** Homes that want a batch of their own. */
  readonly noisy = new Set<string>();
  /** Bytes by home. */
  readonly written = new Map<string, number>();
  /** Twins of which a dead letter tells that their home has written its share. */
  readonly told = new Set<string>();

  /** Turns an envelope that follows from a turn at once: what an observer is told. */
  readonly turnObserver: (item: Item) => Led;

  constructor(
    context: BatchContext,
    now: number,
    noisyTurns: number,
    turn: (folding: Folding, item: Item) => Led,
  ) {
    this.context = context;
    this.now = now;
    this.noisyTurns = noisyTurns;
    this.turnObserver = (item) => turn(this, item);
    this.workingSet = new WorkingSet(context);
  }

  /** Counts what a rule takes. A home that takes too much at the others' expense has a batch of its own. */
  costing<T>({ home, kindOf }: LiveTwin, run: () => T): T {
    if (kindOf.impulses === undefined) return run();
    const { costs } = this.context;
    const result = costs.measure(home, run);
    if (Number.isFinite(this.noisyTurns) && costs.isOver(home)) this.noisy.add(home);
    return result;
  }

  /** A twin that cannot be read cannot be woken either; its next event says so. */
  readable(address: Address): LiveTwin | null {
    try {
      return this.workingSet.twin(address);
    } catch {
      return null;
    }
  }

  /** A follow-up as an envelope of the same home, in the same chain of causes. */
  carry(parent: Envelope, followUp: FollowUp): Envelope {
    return {
      id: followUp.id,
      dedupe: false,
      home: parent.home,
      twin: followUp.to,
      event: followUp.event,
      ...(followUp.claim && { claim: followUp.claim }),
      at: this.now,
      source: followUp.source,
      sender: followUp.sender,
      cause: parent.id,
      correlation: parent.correlation,
      principal: parent.principal,
      ifUnknown: 'reject',
    };
  }

  finish(): FoldedBatch {
    const { turned, rebound, related } = this.workingSet.changed();
    const { commit } = this;
    const rows = commit.rows(
      turned,
      rebound.map(({ home, twin, wakeAt }) => ({ home, twin, wakeAt })),
    );
    return {
      rows,
      changed: Object.values(rows).some((list) => list.length > 0),
      turns: commit.turns,
      longestCascade: this.longestCascade,
      twins: [...turned, ...rebound, ...related],
      watches: this.workingSet.rewatched(),
      censuses: this.workingSet.counted(),
      written: { now: this.now, bytes: this.written, told: [...this.told] },
      receipts: commit.receipts,
      sendings: commit.sendings(),
      changes: (sendOf, isFollowed) => commit.changes(sendOf, isFollowed),
      signals: commit.signals,
    };
  }
}
