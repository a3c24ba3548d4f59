/** What new devices do: come in with a claim code, or be enrolled where they are made. */
import { z } from 'zod';
import { assertDeviceKind, EngineError, keyOf } from '../../../engine/index.ts';
import { nameOf } from '../../../identity/index.ts';
import {
  conflict,
  full,
  json,
  notFound,
  open,
  refused,
  withBody,
  wrong,
} from '../../http/answers.ts';
import type { App, RouteContext } from '../../http/app.ts';
import { DisplayName, NewId } from '../../http/naming.ts';
import {
  DeviceIdentity,
  NewDevice,
  Secret,
  toDeviceIdentity,
} from '../../http/resources/device.ts';
import { Refusal } from '../../problem.ts';
import { settle } from '../../provisioning/settle.ts';

const TAGS = ['Provisioning'];

const Claim = z
  .strictObject({
    code: z.string().min(1).max(64).describe('As the app shows it.'),
    id: NewId.describe('What the device calls itself; its twin gets this id.'),
    kind: z.string().min(1).max(64).describe('One of GET /v1/kinds.'),
    name: DisplayName.optional(),
  })
  .meta({ id: 'DeviceClaim', examples: [{ code: 'K7QM-2XRD', id: 'trv-17', kind: 'thermostat' }] });
const Enrol = z
  .strictObject({
    token: z.string().min(1).max(200).describe('A factory token.'),
    serial: NewId.describe(
      'The serial number; it is the id of the twin unless its owner chooses another.',
    ),
  })
  .meta({ id: 'Enrolment' });
const Enrolled = z
  .object({
    serial: z.string(),
    kind: z.string(),
    secret: Secret,
    code: z.string().describe('For its box: whoever has it may claim the device.'),
  })
  .meta({ id: 'EnrolledDevice', description: 'A device that waits for its owner.' });
const Ask = z
  .strictObject({ secret: z.string().min(1).max(200) })
  .meta({ id: 'EnrolmentQuestion' });
const Asked = z
  .object({
    serial: z.string(),
    kind: z.string(),
    claimed: DeviceIdentity.nullable().describe(
      'Null: nobody has claimed it yet; ask again later.',
    ),
  })
  .meta({ id: 'EnrolmentState', description: 'Whose the device is.' });

export function deviceRoutes(app: App, { engine, identity, devices }: RouteContext): void {
  app.post(
    '/devices/claim',
    {
      config: { action: 'device.enrol' },
      schema: {
        operationId: 'claimWithCode',
        tags: TAGS,
        summary: 'Come in with a claim code',
        description:
          'What a new device does with the code that its owner’s app shows (or its QR code). A device that waits as a candidate, or that comes back after a reset with a code for its twin, goes on with its history.',
        security: [],
        body: Claim,
        response: {
          201: json('The device and its secret.', NewDevice),
          ...full,
          ...wrong,
          ...notFound,
          ...conflict,
          ...refused,
          ...withBody,
          ...open,
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const made = await identity.claimCodes.redeem(body.code, async (claim, by) => {
        const { home, room } = claim;
        const twin = claim.twin ?? body.id;
        request.provedAs = { who: nameOf({ type: 'device', home, twin }), home, by };
        if (claim.twin === null) await assertNew({ home, twin });
        const device = { home, twin, room, kind: body.kind, name: body.name };
        await identity.devices.assertRoom({ home, twin });
        const { row } = await settle(engine, device, { principal: by, source: 'rest' });
        // The code may be for a former one, whatever there is by now
        const incarnation = claim.incarnation ?? row.incarnation;
        const secret = await identity.devices.make(home, twin, by, incarnation);
        return { ...toDeviceIdentity({ home, twin }, devices), secret };
      });
      return reply.code(201).send(made);
    },
  );

  /** Whoever has a code for a new device must not become one that is there. */
  async function assertNew(address: { home: string; twin: string }): Promise<void> {
    if (!(await engine.readTwin(address))) return;
    throw new EngineError('conflict', `${keyOf(address)} is there already`, {
      hint: 'Let the app make a claim code for this twin, or call the device something else.',
    });
  }

  app.post(
    '/devices/enrol',
    {
      config: { action: 'device.enrol' },
      schema: {
        operationId: 'enrolDevice',
        tags: TAGS,
        summary: 'Enrol a device where it is made',
        description:
          'Gives it its secret and the code for its box. Again, until somebody has claimed it: then the former ones count no more.',
        security: [],
        body: Enrol,
        response: {
          201: json('The device, its secret, its code.', Enrolled),
          ...wrong,
          ...conflict,
          ...refused,
          ...withBody,
          ...open,
        },
      },
    },
    async (request, reply) => {
      const { token, serial } = request.body;
      const mayBe = (kind: string) => assertDeviceKind(engine.kinds, kind);
      const { by, ...made } = await identity.factory.enrol(token, serial, mayBe);
      request.provedAs = { who: `factory-token:${by}`, home: null };
      return reply.code(201).send({ serial, ...made });
    },
  );

  app.post(
    '/devices/enrolment',
    {
      config: { action: 'device.enrol' },
      schema: {
        operationId: 'askForOwner',
        tags: TAGS,
        summary: 'Ask whose an enrolled device is',
        description:
          'A device asks with its secret until somebody has claimed it, and then connects with what the answer says. Asking ends a connection that it has at a broker elsewhere. A secret that was revoked or replaced since is refused.',
        security: [],
        body: Ask,
        response: { 200: json('Its owner, if any.', Asked), ...wrong, ...withBody, ...open },
      },
    },
    async ({ body: { secret } }) => {
      const found = await identity.factory.findBySecret(secret);
      if (!found) throw notEnrolled();
      const { serial, kind, claimed } = found;
      if (!claimed) return { serial, kind, claimed };
      if (!(await identity.devices.announceIfPresent(claimed, secret))) throw notEnrolled();
      return { serial, kind, claimed: toDeviceIdentity(claimed, devices) };
    },
  );
}

function notEnrolled(): Refusal {
  return new Refusal('bad-credentials', 'no device has been enrolled with this secret', {
    hint: 'If it was revoked or replaced, let the app make a claim code for the device.',
  });
}
