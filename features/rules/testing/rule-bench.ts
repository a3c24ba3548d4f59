import type { AnyKind } from '../../../engine/kind.ts';
import type { EventData } from '../../../engine/model/envelope.ts';
import type { ManualClock } from '../../../engine/model/manual-clock.ts';
import type { Storage } from '../../../engine/storage/port.ts';
import { type EngineBench, startEngine } from '../../../engine/testing/engine-bench.ts';
import { kinds } from '../../../twins/catalogue.ts';
import { rule } from '../kind/rule.ts';
import { printProblem } from '../language/problem.ts';
import { readRule } from '../rule-definition.ts';

/** A home `h1` with rules, on a clock that stands still. */
export interface RuleBench extends AsyncDisposable {
  bench: EngineBench;
  /** Makes a rule live. @throws with its problems */
  define(text: string): Promise<void>;
  /** A twin of the home, made where it is new. */
  tell(twin: string, event: EventData, kind?: string): Promise<void>;
  pass(ms: number): Promise<void>;
  reported(twin: string): Promise<Record<string, unknown>>;
  desired(twin: string): Promise<Record<string, unknown>>;
  state(twin: string): Promise<unknown>;
  /** `twin name args` of each command so far. */
  commands(): string[];
}

const ADMIN = { principal: 'admin', source: 'rest' };

export async function startRules(
  given: { storage?: Storage; clock?: ManualClock; kinds?: readonly AnyKind[] } = {},
): Promise<RuleBench> {
  const bench = await startEngine({ ...given, kinds: [...kinds, rule, ...(given.kinds ?? [])] });
  const { engine } = bench;
  if (!(await engine.storage.getHome('h1'))) {
    await engine.createHome({ id: 'h1', name: 'h1', timezone: 'Europe/Berlin' });
  }
  const read = async (twin: string) => {
    const reading = await engine.readTwin({ home: 'h1', twin });
    if (!reading) throw new Error(`there is no twin ${twin}`);
    return reading;
  };
  return {
    bench,
    async define(text) {
      const { value, problems } = readRule(text);
      if (value === null) throw new Error(problems.map(printProblem).join('\n'));
      const address = { home: 'h1', twin: value.rule };
      if (!(await engine.readTwin(address))) {
        await engine.createTwin({ ...address, kind: 'rule' }, ADMIN);
      }
      const event = { type: 'rule.defined', definition: value as never, source: text };
      const receipt = await bench.tell(value.rule, event);
      if (receipt.status !== 'accepted') throw new Error(JSON.stringify(receipt));
      // What the definition reads comes with a deadline that is due at once
      bench.clock.advance(0);
      await engine.idle();
    },
    async tell(twin, event, kind = 'sensor') {
      const receipt = await bench.send(twin, event, { kind });
      if (receipt.status !== 'accepted') throw new Error(JSON.stringify(receipt));
      await engine.idle();
    },
    pass: (ms) => bench.pass(ms),
    reported: async (twin) => (await read(twin)).view.reported,
    desired: async (twin) => (await read(twin)).view.desired,
    state: async (twin) => (await read(twin)).row.state.value,
    commands: () =>
      bench.sink.commands.map(({ twin, name, args }) => `${twin} ${name} ${JSON.stringify(args)}`),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}
