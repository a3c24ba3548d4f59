import { describe, expect, it } from 'vitest';
import { builtInKinds as kinds } from '../../api/kinds/built-in.ts';
import { runTests } from '../../features/rules/authoring.ts';
import { importAutomations } from './home-assistant.ts';

/** The failures of an automation that is imported and tried: none. */
async function tried(
  automation: string,
  twins: string,
  steps: string,
  entities = '',
): Promise<unknown> {
  const { rules, isComplete, report } = importAutomations([{ name: 'a.yaml', text: automation }], {
    name: 'entities.yaml',
    text: entities,
  });
  if (!isComplete) return report;
  const texts = new Map(rules.map(({ file, text }) => [file, text]));
  const indented = (text: string, by: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => `${by}${line.replace(/^ {6}/, '')}`)
      .join('\n');
  const file = `rules: [${[...texts.keys()].join(', ')}]
twins:
${indented(twins, '  ')}
tests:
  - test: it
    at: 2026-01-05 21:00
    steps:
${indented(steps, '      ')}
`;
  const outcomes = await runTests(file, (path) => texts.get(path) ?? '', kinds);
  return outcomes.flatMap(({ failure }) => failure ?? []);
}

describe('what is imported behaves', () => {
  it('light on motion, off when nobody has moved for five minutes', async () => {
    const failures = await tried(
      `
alias: Stairs
mode: restart
trigger:
  - platform: state
    entity_id: binary_sensor.stairs_motion
    to: "on"
condition:
  - condition: numeric_state
    entity_id: sensor.stairs_illuminance
    below: 30
  - condition: time
    after: "20:00:00"
    before: "06:30:00"
action:
  - service: light.turn_on
    target: { entity_id: light.stairs }
  - wait_for_trigger:
      - platform: state
        entity_id: binary_sensor.stairs_motion
        to: "off"
        for: "00:05:00"
    timeout: "01:00:00"
  - service: light.turn_off
    target: { entity_id: light.stairs }
`,
      `
      stairs: { kind: relay, reported: { on: false } }
      stairs-motion: { kind: sensor, reported: { occupancy: false } }
      stairs-illuminance: { kind: sensor, reported: { illuminance: 80 } }
      `,
      `
      - report: { stairs-motion: { occupancy: true } }
      - expect: { did: [] }
      - report: { stairs-illuminance: { illuminance: 10 } }
      - report: { stairs-motion: { occupancy: false } }
      - report: { stairs-motion: { occupancy: true } }
      - expect: { did: ['set stairs {"on":true}'] }
      - report: { stairs-motion: { occupancy: false } }
      - pass: 4m
      - report: { stairs-motion: { occupancy: true } }
      - report: { stairs-motion: { occupancy: false } }
      - pass: 5m
      - expect: { twins: { stairs: { desired: { on: false } } } }
      `,
    );
    expect(failures).toEqual([]);
  });

  it('a door that stays open is told, where "on" is open and a contact is then false', async () => {
    const failures = await tried(
      `
- alias: Front door left open
  triggers:
    - trigger: state
      entity_id: binary_sensor.front_door
      from: "off"
      to: "on"
      for: { minutes: 10 }
  actions:
    - action: notify.family
      data:
        title: Door
        message: "The door is {{ states('binary_sensor.front_door') }} at {{ states('sensor.hall_temperature') }} °C"
`,
      `
      front-door: { kind: sensor, reported: { contact: true } }
      hall-temperature: { kind: sensor, reported: { temperature: 18.5 } }
      `,
      `
      - report: { front-door: { contact: false } }
      - pass: 9m
      - expect: { did: [] }
      - pass: 1m
      - expect: { did: ['notify Door: The door is on at 18.5 °C'] }
      `,
    );
    expect(failures).toEqual([]);
  });

  it('a range is entered, from either side', async () => {
    const failures = await tried(
      `
alias: Damp
triggers:
  - trigger: numeric_state
    entity_id: sensor.bath_humidity
    above: 60
    below: 80
actions:
  - action: switch.turn_on
    target: { entity_id: switch.fan }
  - delay: "00:10"
  - action: switch.turn_off
    target: { entity_id: switch.fan }
`,
      `
      bath-humidity: { kind: sensor, reported: { humidity: 50 } }
      fan: { kind: relay, reported: { on: false } }
      `,
      `
      - report: { bath-humidity: { humidity: 90 } }
      - expect: { did: [] }
      - report: { bath-humidity: { humidity: 70 } }
      - expect: { did: ['set fan {"on":true}'] }
      - pass: 10h
      - expect: { did: ['set fan {"on":false}'] }
      - report: { bath-humidity: { humidity: 75 } }
      - report: { bath-humidity: { humidity: 55 } }
      - expect: { did: [] }
      - report: { bath-humidity: { humidity: 61 } }
      - expect: { did: ['set fan {"on":true}'] }
      `,
    );
    expect(failures).toEqual([]);
  });

  it('which trigger it was decides, and a button toggles', async () => {
    const failures = await tried(
      `
alias: Bedroom
triggers:
  - trigger: time
    at: "22:00:00"
    id: late
  - trigger: state
    entity_id: input_boolean.button
    to: ["on"]
actions:
  - choose:
      - conditions: { condition: trigger, id: late }
        sequence:
          - action: climate.set_temperature
            target: { entity_id: climate.bedroom }
            data: { temperature: 17.5 }
      - conditions: "{{ trigger.id == '1' and states('climate.bedroom') == 'heat' }}"
        sequence: { stop: it is warm enough }
    default:
      - action: light.toggle
        entity_id: light.bed
`,
      `
      button: { kind: relay, reported: { on: false } }
      bedroom: { kind: thermostat, reported: { targetTemperature: 20, temperature: 19, valve: 0 } }
      bed: { kind: relay, reported: { on: true } }
      `,
      `
      - report: { button: { on: true } }
      - expect: { did: ['set bed {"on":false}'] }
      - until: "22:00"
      - expect: { did: ['set bedroom {"targetTemperature":17.5}'] }
      `,
      'climate.bedroom: { twin: bedroom, path: reported.valve, values: { "off": 0, heat: 100 } }',
    );
    expect(failures).toEqual([]);
  });

  it('a condition within a branch ends that branch alone', async () => {
    const failures = await tried(
      `
alias: Branches
triggers: [{ trigger: state, entity_id: switch.a, to: "on" }]
actions:
  - if: "{{ is_state('switch.a', 'on') }}"
    then:
      - condition: state
        entity_id: switch.b
        state: "on"
      - action: switch.turn_on
        entity_id: switch.c
  - repeat:
      count: 2
      sequence:
        - delay: 60
        - action: notify.me
          data: { message: again }
  - action: switch.turn_off
    entity_id: switch.a
`,
      `
      a: { kind: relay, reported: { on: false } }
      b: { kind: relay, reported: { on: false } }
      c: { kind: relay, reported: { on: false } }
      `,
      `
      - report: { a: { on: true } }
      - pass: 1m
      - expect: { did: ['notify Branches: again'] }
      - pass: 1m
      - expect: { did: ['notify Branches: again', 'set a {"on":false}'] }
      `,
    );
    expect(failures).toEqual([]);
  });

  it('waits for a template, and gives up when it is told to', async () => {
    const failures = await tried(
      `
alias: Washing
variables: { limit: 5, name: Washer }
triggers:
  - trigger: numeric_state
    entity_id: sensor.washer_power
    above: 100
conditions: "{{ states('sensor.washer_power') | float > limit * 10 }}"
actions:
  - wait_template: "{{ states('sensor.washer_power') | float(0) < limit }}"
    timeout: { hours: 2 }
    continue_on_timeout: false
  - action: persistent_notification.create
    data: { title: Laundry, message: "{{ name }} is done \${now}" }
`,
      'washer-power: { kind: sensor, reported: { power: 1 } }',
      `
      - report: { washer-power: { power: 500 } }
      - pass: 1h
      - report: { washer-power: { power: 2 } }
      - expect: { did: ['notify Laundry: Washer is done \${now}'] }
      - report: { washer-power: { power: 500 } }
      - pass: 3h
      - report: { washer-power: { power: 2 } }
      - expect: { runs: { washing: 2 }, did: [] }
      `,
    );
    expect(failures).toEqual([]);
  });

  it('days across midnight are those of the moment, as in Home Assistant', async () => {
    const failures = await tried(
      `
alias: Night
triggers: [{ trigger: time_pattern, hours: "/1" }]
conditions:
  - { condition: time, after: "22:00", before: "03:00", weekday: [mon] }
actions: [{ action: notify.me, data: { message: hour } }]
`,
      'a: { kind: relay }',
      `
      - pass: 7h
      - expect: { did: ['notify Night: hour', 'notify Night: hour'] }
      `,
    );
    expect(failures).toEqual([]);
  });

  it('the home’s mode is a twin’s value like others', async () => {
    const failures = await tried(
      `
alias: Away
triggers: [{ trigger: state, entity_id: input_select.mode, to: Away, not_from: [unknown] }]
actions:
  - action: homeassistant.turn_off
    target: { area_id: living_room }
  - action: cover.close_cover
    target: { entity_id: cover.blind }
`,
      `
      home: { kind: home }
      lamp: { kind: relay, reported: { on: true } }
      desk: { kind: relay, reported: { on: true } }
      blind: { kind: relay, reported: { on: true } }
      `,
      `
      - desire: { home: { mode: away } }
      - expect: { did: ['set lamp {"on":false}', 'set desk {"on":false}', 'set blind {"on":false}'] }
      `,
      `
input_select.mode: { twin: home, path: reported.mode, values: { Away: away, Home: home } }
area.living_room: { twin: [lamp, desk] }
cover.blind: { twin: blind, set: { close_cover: { on: false } } }
`,
    );
    expect(failures).toEqual([]);
  });
});
