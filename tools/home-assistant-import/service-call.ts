/** What was called, and what to do where a service has no counterpart. */
import type { Fields, Spot } from './part.ts';

/** What was called, with what for. */
export interface Call {
  name: string;
  domain: string;
  service: string;
  at: Spot;
  data: Fields;
}

const PUT_IN = 'put the actions of the script in its place: a rule has no scripts';
const NO_DEVICE =
  'let a twin of a kind of your own stand for it, and say what the action makes it want, as "set" of the entity in the file of entities';
/** The services, by their name or that of their domain. */
export const INSTEAD = new Map<string, string>(
  Object.entries({
    script: PUT_IN,
    python_script: PUT_IN,
    pyscript: PUT_IN,
    mqtt: 'let a twin stand for the device, with a codec that knows its topics: then { set: … } or { command: … }',
    rest_command: 'let a twin stand for it, or a program that follows the live stream',
    shell_command: 'let a program that follows the live stream do it',
    tts: 'use { notify: … }',
    automation: 'a rule is a twin: { set: { twin: the-rule, desired: { enabled: false } } }',
    logbook: 'leave it out: each run is in the journal, with what it did and why',
    system_log: 'leave it out: each run is in the journal, with what it did and why',
    'persistent_notification.dismiss':
      'use { alert: … } and { clear: … } for what is over at some time',
    timer: 'use { delay: … } or { wait: … }: they survive a restart',
    input_datetime: 'a twin of kind "schedule" holds times that people change',
    cover: NO_DEVICE,
    lock: NO_DEVICE,
    media_player: NO_DEVICE,
    vacuum: NO_DEVICE,
    'homeassistant.update_entity': 'leave it out: devices report by themselves',
    'homeassistant.restart': 'leave it out',
  }),
);
