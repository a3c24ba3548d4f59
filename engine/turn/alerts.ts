/** Alerts of a turn. */
import type { JsonObject } from '../model/json.ts';
import { own } from '../model/own.ts';
import type { AlertRow } from '../model/rows.ts';
import type { ActiveAlert } from '../model/twin-state.ts';
import type { TurnBuilder } from './turn-builder.ts';

export function setAlert(
  turn: TurnBuilder,
  key: string,
  alert: ActiveAlert,
  status: AlertRow['status'],
): void {
  const { state, now } = turn;
  if (status === 'cleared') {
    const { [key]: _cleared, ...others } = state.alerts;
    state.alerts = others;
  } else state.alerts = { ...state.alerts, [key]: alert };
  turn.alerts.set(alert.id, {
    ...alert,
    ...turn.address,
    key,
    status,
    clearedAt: status === 'cleared' ? now : null,
  });
}

/** Raises an alert that is not raised already. @param id of the effect that asks for it */
export function raiseAlert(
  turn: TurnBuilder,
  key: string,
  id: string,
  effect: { severity: ActiveAlert['severity']; message: string; data?: JsonObject },
): void {
  if (own(turn.state.alerts, key)) return;
  const { id: cause, correlation } = turn.envelope;
  const alert: ActiveAlert = {
    id,
    severity: effect.severity,
    message: effect.message,
    data: effect.data ?? null,
    raisedAt: turn.now,
    acknowledgedAt: null,
    acknowledgedBy: null,
    cause,
    correlation,
  };
  setAlert(turn, key, alert, 'raised');
}

export function clearAlert(turn: TurnBuilder, key: string): void {
  const active = own(turn.state.alerts, key);
  if (active) setAlert(turn, key, active, 'cleared');
}
