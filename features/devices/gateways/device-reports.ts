import { type Engine, type EventData, saneTime } from '../../../engine/index.ts';

/** What a gateway says for one of its devices. */
export interface DeviceReport {
  home: string;
  twin: string;
  event: EventData;
  /** Device time, epoch ms; absent: now. */
  at: number | undefined;
  /** The same id counts once. */
  id: string;
  /** The principal, as journals name the gateway. */
  principal: string;
}

/** Null: it counts. Else why not, for people. */
export type Objection = string | null;

/** Hands reports to their twins, in this order. @throws EngineError when nothing can be taken now */
export async function dispatchReports(
  engine: Engine,
  reports: readonly DeviceReport[],
): Promise<Objection[]> {
  return await Promise.all(reports.map((report) => dispatchOne(engine, report)));
}

async function dispatchOne(engine: Engine, report: DeviceReport): Promise<Objection> {
  const { home, twin, event, id, principal } = report;
  const receipt = await engine.dispatch({
    ...{ home, twin, event, id, principal, source: 'gateway' },
    ...saneTime(report.at, engine.clock.now()),
    dedupe: true,
    ifUnknown: 'reject',
    answered: true,
  });
  return receipt.status === 'rejected' ? receipt.reason : null;
}
