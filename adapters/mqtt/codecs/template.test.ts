import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { commandRow } from '../testing/fake-engine.ts';
import { templateCodec } from './template.ts';
import { loadTemplates, parseTemplates } from './template-file.ts';

const example = templateCodec(
  await loadTemplates(fileURLToPath(new URL('./templates.example.yaml', import.meta.url))),
);
const decode = (topic: string, payload: unknown, codec = example) =>
  codec.decode({
    topic,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    ...{ qos: 1, dup: false, replayed: false },
  })[0];
const ofYaml = (yaml: string) => templateCodec(parseTemplates(yaml, 'my.yaml'));

describe('the example templates', () => {
  it('read {site}/{system}/{device}/data', () => {
    const payload = {
      timestamp: '2026-01-05T12:00:00Z',
      metrics: { temperature_c: 21.5, humidity_percent: 45, pressure_hpa: 1013, battery_mv: 2950 },
    };
    expect(decode('cottage/climate/bedroom/data', payload)).toEqual({
      ...{ type: 'event', home: 'cottage', twin: 'climate-bedroom', kind: 'sensor' },
      via: 'template:site-sensors:{"site":"cottage","system":"climate","device":"bedroom"}',
      event: {
        type: 'telemetry',
        ...{ temperature: 21.5, humidity: 45, pressure: 1013, batteryMillivolts: 2950 },
      },
      at: Date.UTC(2026, 0, 5, 12),
      id: undefined,
    });
  });

  it('read a RuuviTag, with its acceleration in m/s²', () => {
    const payload = {
      ...{
        sensor_id: 'van_inside',
        temperature_c: 21.5,
        humidity_percent: 45.2,
        pressure_hpa: 1013.2,
      },
      ...{
        battery_mv: 2950,
        acceleration_x_mg: -12,
        acceleration_y_mg: 4,
        acceleration_z_mg: 1000,
      },
    };
    expect(decode('paku/ruuvi/van_inside', payload)).toMatchObject({
      ...{ home: 'paku', twin: 'van_inside', kind: 'sensor' },
      event: {
        temperature: 21.5,
        batteryMillivolts: 2950,
        accelerationX: -0.1176798,
        accelerationZ: 9.80665,
      },
    });
  });

  it('leave out what a payload does not have', () => {
    expect(
      decode('a/b/c/data', { metrics: { temperature_c: 1, humidity_percent: null } }),
    ).toMatchObject({
      event: { type: 'telemetry', temperature: 1 },
    });
  });

  it('read a status and say a command on topics of their own', () => {
    const online = decode('workshop/relays/saw/link', 'up');
    expect(online).toMatchObject({ twin: 'saw', event: { type: 'status', online: true } });
    expect(decode('workshop/relays/saw/link', 'sideways')).toMatchObject({ type: 'refused' });
    const via = online?.type === 'event' ? (online.via ?? null) : null;
    const outgoing = example.encode(commandRow('saw', 'c1', { args: { on: false }, via }));
    expect(
      outgoing && 'topic' in outgoing && `${outgoing.topic} ${outgoing.payload.toString()}`,
    ).toBe('workshop/relays/saw/set {"on":false,"id":"c1"}');
    expect(example.encode(commandRow('saw', 'c1', { args: {}, via }))).toMatchObject({
      later: false,
    });
    expect(example.encode(commandRow('saw', 'c1', { name: 'dance', via }))).toMatchObject({
      later: false,
    });
  });

  it('refuse what they cannot place, with what the payload has', () => {
    expect(decode('a/b/c/data', { humidity: 1, co2: 400 })).toMatchObject({
      type: 'refused',
      hint: expect.stringContaining('humidity, co2') as string,
    });
    expect(decode('a b/b/c/data', { metrics: { temperature_c: 1 } })).toMatchObject({
      type: 'refused',
    });
  });

  it('subscribe to what they read and to no more', () => {
    expect(example.filters.map(({ filter }) => filter)).toEqual([
      '+/+/+/data',
      'paku/ruuvi/+',
      'workshop/relays/+/state',
      'workshop/relays/+/link',
    ]);
    expect(example.matches('a/b/data')).toBe(false);
    expect(example.matches('a//c/data')).toBe(false);
  });
});

describe('a template', () => {
  it('may take all plain values of an object', () => {
    const codec = ofYaml(`templates:
  - { name: all, topic: "lab/{d}", home: lab, twin: "{d}", kind: sensor, passthrough: ".", id: seq }`);
    expect(
      decode('lab/x', { seq: 7, ok: true, deep: { a: 1 }, type: 'BME280' }, codec),
    ).toMatchObject({
      event: { type: 'telemetry', seq: 7, ok: true },
      id: '7',
    });
  });

  it('does not follow a path into what every object has', () => {
    const codec = ofYaml(`templates:
  - { name: t, topic: "lab/{d}", home: lab, twin: "{d}", kind: sensor, fields: { a: constructor.name } }`);
    expect(decode('lab/x', { b: 1 }, codec)).toMatchObject({ type: 'refused' });
  });

  it('refuses to scale what is no number', () => {
    const codec = ofYaml(`templates:
  - { name: t, topic: "lab/{d}", home: lab, twin: "{d}", kind: sensor, fields: { a: { path: a, scale: 2 } } }`);
    expect(decode('lab/x', { a: '1' }, codec)).toMatchObject({
      type: 'refused',
      error: expect.stringContaining('no number') as string,
    });
    expect(decode('lab/x', { a: 1.1 }, codec)).toMatchObject({ event: { a: 2.2 } });
  });

  it('refuses a number that scaling makes infinite', () => {
    const codec = ofYaml(`templates:
  - { name: t, topic: "lab/{d}", home: lab, twin: "{d}", kind: sensor, fields: { a: { path: a, scale: 10 } } }`);
    expect(decode('lab/x', { a: 1e308 }, codec)).toMatchObject({
      type: 'refused',
      error: expect.stringContaining('too large') as string,
    });
  });

  it('may call a variable like what every object has, and knows no such command', () => {
    const codec = ofYaml(`templates:
  - { name: t, topic: "{constructor}/{d}", home: lab, twin: "{d}", kind: relay, fields: { on: on } }`);
    const decoded = decode('a/x', { on: true }, codec);
    expect(decoded).toMatchObject({ twin: 'x', event: { on: true } });
    const via = decoded?.type === 'event' ? (decoded.via ?? null) : null;
    expect(codec.encode(commandRow('x', 'c', { name: 'toString', via }))).toMatchObject({
      later: false,
    });
  });
});

describe('a mistake in the template file', () => {
  const mistake = (yaml: string) => () => parseTemplates(yaml, 'my.yaml');

  it('is reported with its line and what to write, all at once', () => {
    const yaml = `templates:
  - name: bad name
    topic: "a/{site}/#"
    home: "{house}"
    twin: "{site}"
    kind: sensor
    fields:
      temperature: { path: t, scal: 2 }
      type: t
`;
    expect(mistake(yaml)).toThrow('my.yaml:2: templates.0.name: use letters');
    expect(mistake(yaml)).toThrow(
      'my.yaml:8: templates.0.fields.temperature: nothing is known by the name scal',
    );
  });

  it.each([
    ['topic: "a/#"', 4, 'each level is'],
    ['home: "{house}"', 5, '{house} does not occur in the topic'],
    ['fields: {}', 8, 'write `fields:`'],
    ['fields: { id: x }', 8, 'is no measurement'],
    ['commands: { switch: { topic: "{x}", payload: hi } }', 9, '{x} does not occur'],
    ['status: { topic: lab/status }', 9, 'must contain {d}'],
    ['unknown: 1', 3, 'by the name unknown'],
  ])('%s', (line, number, message) => {
    const lines = new Map(
      [
        'name: t',
        'topic: "lab/{d}"',
        'home: lab',
        'twin: "{d}"',
        'kind: sensor',
        'fields: { a: a }',
      ].map((one) => [one.split(':')[0], one]),
    );
    lines.set(line.split(':')[0], line);
    const yaml = `templates:\n  -\n${[...lines.values()].map((one) => `    ${one}`).join('\n')}\n`;
    expect(mistake(yaml)).toThrow(new RegExp(`^my\\.yaml:${number}: `, 'm'));
    expect(mistake(yaml)).toThrow(message);
  });

  it('in the YAML itself, or a missing file, says so', async () => {
    expect(mistake('templates: [')).toThrow(/^my\.yaml: .*line 1/s);
    await expect(loadTemplates('/nowhere.yaml')).rejects.toThrow(
      'cannot read the template file /nowhere.yaml',
    );
  });

  it('of two templates with one name is refused: twins remember theirs by name', () => {
    const one =
      '  - { name: t, topic: "lab/{d}", home: lab, twin: "{d}", kind: sensor, fields: { a: a } }\n';
    expect(mistake(`templates:\n${one}${one}`)).toThrow('two templates are named "t"');
  });
});
