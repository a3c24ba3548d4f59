/**
 * Whether a device does what it is told. A command that expired or was refused raises
 * `not-responding`; a confirmed one, or a report that shows what is wanted, clears it.
 *
 * Uses from the machine's setup: the guard `doesWhatIsWanted` and the actions
 * `raiseNotResponding` and `clearNotResponding`.
 */
export const responseRegion = {
  initial: 'following',
  states: {
    following: {
      on: {
        'intent.expired': { target: 'notResponding', actions: 'raiseNotResponding' },
        'intent.failed': { target: 'notResponding', actions: 'raiseNotResponding' },
      },
    },
    notResponding: {
      on: {
        'intent.confirmed': { target: 'following', actions: 'clearNotResponding' },
        telemetry: { target: 'reconsidering' },
      },
    },
    // Passed through: the report has to be taken in before it can be judged
    reconsidering: {
      always: [
        { guard: 'doesWhatIsWanted', target: 'following', actions: 'clearNotResponding' },
        { target: 'notResponding' },
      ],
    },
  },
} as const;

export function notRespondingRaised({
  event,
}: {
  event: { type: string; name?: unknown; error?: unknown };
}) {
  const how =
    event.type === 'intent.failed'
      ? `was refused: ${String(event.error ?? 'no reason given')}`
      : 'was not confirmed in time';
  return {
    type: 'alert',
    key: 'not-responding',
    severity: 'warning',
    state: 'raised',
    message: `command "${String(event.name)}" ${how}`,
  } as const;
}

export const notRespondingCleared = {
  type: 'alert',
  key: 'not-responding',
  severity: 'warning',
  state: 'cleared',
  message: 'follows its commands again',
} as const;
