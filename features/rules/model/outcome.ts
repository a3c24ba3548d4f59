/** How a run ends. */
export type Outcome = 'finished' | 'stopped' | 'failed' | 'restarted' | 'replaced';
