/**
 * Who speaks. `device`: a device, its bridge or its gateway. `message`: an MQTT message for the rules of a home.
 * `person`: a person or a program, by the API's route for events. `rule`: what an author of a rule wrote
 * (`send`). `twin`: the code of another twin's kind. `engine`: the engine, its API for people (desired state,
 * settings, commands, timers …) and features, each of which has checked its input before.
 */
export const SENDERS = ['device', 'message', 'person', 'rule', 'twin', 'engine'] as const;
export type Sender = (typeof SENDERS)[number];

/** The door through which an event comes, and the sender as which the door lets it speak. */
export const DOORS = {
  /** A device or a bridge over MQTT. */
  mqtt: 'device',
  /** A gateway over HTTP, for its devices. */
  gateway: 'device',
  /** An MQTT message that is no device's. */
  message: 'message',
  /** The API's route for events. */
  rest: 'person',
} as const satisfies Record<string, Sender>;
export type Door = keyof typeof DOORS;

/** Who speaks, of an envelope. `reporter`: a person or a program that may also say what a device says of itself. */
export type Speaker = Sender | 'reporter';
