import type { RecordedEffect } from '../model/effect.ts';
import type { Address } from '../model/envelope.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { AlertRow, IntentRow } from '../model/rows.ts';
import type { ChangePosition } from './change-position.ts';

/** Something that has been committed, in a home. */
export type HomeChange = {
  /** Missing where nobody follows the home. */
  position?: ChangePosition;
} & (
  | (Address & {
      type: 'twin';
      kind: string;
      revision: number;
      at: number;
      event: { type: string };
      eventId: string;
      cause: string | null;
      correlation: string;
      state: Json;
      reported: JsonObject;
      desired: JsonObject;
      effects: RecordedEffect[];
    })
  | (Address & { type: 'twin.removed' })
  | (Address & { type: 'intent'; intent: IntentRow })
  | (Address & { type: 'alert'; alert: AlertRow })
);
export type PlacedChange = HomeChange & { position: ChangePosition };
export type Change =
  | HomeChange
  /** Everything up to here has been told. */
  | { type: 'position'; position: ChangePosition }
  /**
   * The subscriber was too slow: this many changes were left out. Read the twins again, or follow anew from
   * `resume`, while memory has what comes after it.
   */
  | { type: 'lagged'; missed: number; resume: ChangePosition | null }
  /** What came after the position that was to be gone on from cannot be told any more. Read the twins again. */
  | { type: 'gap'; reason: GapReason };

/** Why a stream does not go on where it was cut off. */
export const GAP_REASONS = {
  malformed: 'the id is none that a stream has given',
  unknown: 'the home has no such position: the id is not of this home, or a backup was restored',
  'too-old': 'too long ago, or too much has happened since',
  'twin-removed': 'a twin of the home was removed since, and its turns with it',
  'kind-changed': 'a kind has changed, so that its former turns cannot be told any more',
  'too-slow': 'more happened than is kept, before it was read',
  busy: 'too many streams are being resumed',
} as const;
export type GapReason = keyof typeof GAP_REASONS;
export interface Subscription extends Disposable, AsyncIterable<Change> {
  /** Has it told up to where the home has come, in its turn: for filters that let nothing through. */
  mark(): void;
  /**
   * Whether the twin that a change tells of has been removed since, so that rights to a twin of its name are none to it.
   * Known of homes that are followed.
   */
  isOfRemovedTwin(change: HomeChange): boolean;
}
