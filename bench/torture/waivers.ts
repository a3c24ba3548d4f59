/** What a scenario has given up on purpose, with its reason said where it does. */
export interface Waivers {
  /** The broker was killed: what it had acknowledged may be gone with it. */
  brokerLost?: boolean;
  /** Dead letters that it provoked. */
  deadLetters?: boolean;
}
