/** What new devices do: come in with a claim code, or be enrolled where they are made. */
import { z } from 'zod';
import { type Address, assertDeviceKind, EngineError, keyOf } from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';
import { DisplayName, NewId } from '../../contract/naming.ts';
import { creatingRoute, type FeatureRoute, route } from '../../contract/route.ts';
import { settle } from '../claims/settle.ts';
import { DeviceIdentity, NewDevice, Secret, toDeviceIdentity } from './device-identity.ts';
import type { DevicesContext } from './devices-context.ts';

const tags = ['Provisioning'];

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

export function claimRoutes(context: DevicesContext): FeatureRoute[] {
  const { engine, access } = context;
  const { claimCodes, devices, factory } = access;

  /** Whoever has a code for a new device must not become one that is there. */
  async function assertNew(address: Address): Promise<void> {
    if (!(await engine.readTwin(address))) return;
    throw new EngineError('conflict', `${keyOf(address)} is there already`, {
      hint: 'Let the app make a claim code for this twin, or call the device something else.',
    });
  }

  return [
    creatingRoute({
      method: 'POST',
      path: '/devices/claim',
      action: 'device.enrol',
      isOpen: true,
      operationId: 'claimWithCode',
      tags,
      summary: 'Come in with a claim code',
      description:
        'What a new device does with the code that its owner’s app shows (or its QR code). A device that waits as a candidate, or that comes back after a reset with a code for its twin, goes on with its history.',
      body: Claim,
      created: { description: 'The device and its secret.', schema: NewDevice },
      problems: ['full', 'unproved', 'not-found', 'conflict', 'refused'],
      handle: ({ body, proved }) =>
        claimCodes.redeem(body.code, async (claim, by) => {
          const { home, room } = claim;
          const twin = claim.twin ?? body.id;
          const address = { home, twin };
          proved({ who: `device:${keyOf(address)}`, home, by });
          if (claim.twin === null) await assertNew(address);
          await devices.assertRoom(address);
          const device = { ...address, room, kind: body.kind, name: body.name };
          const { row } = await settle(engine, device, { principal: by, source: 'rest' });
          // The code may be for a former one, whatever there is by now
          const incarnation = claim.incarnation ?? row.incarnation;
          const secret = await devices.make(home, twin, by, incarnation);
          return { ...toDeviceIdentity(address, context), secret };
        }),
    }),

    creatingRoute({
      method: 'POST',
      path: '/devices/enrol',
      action: 'device.enrol',
      isOpen: true,
      operationId: 'enrolDevice',
      tags,
      summary: 'Enrol a device where it is made',
      description:
        'Gives it its secret and the code for its box. Again, until somebody has claimed it: then the former ones count no more.',
      body: Enrol,
      created: { description: 'The device, its secret, its code.', schema: Enrolled },
      problems: ['unproved', 'conflict', 'refused'],
      async handle({ body: { token, serial }, proved }) {
        const mayBe = (kind: string) => assertDeviceKind(engine.kinds, kind);
        const { by, ...made } = await factory.enrol(token, serial, mayBe);
        proved({ who: `factory-token:${by}`, home: null });
        return { serial, ...made };
      },
    }),

    route({
      method: 'POST',
      path: '/devices/enrolment',
      action: 'device.enrol',
      isOpen: true,
      operationId: 'askForOwner',
      tags,
      summary: 'Ask whose an enrolled device is',
      description:
        'A device asks with its secret until somebody has claimed it, and then connects with what the answer says. Asking ends a connection that it has at a broker elsewhere. A secret that was revoked or replaced since is refused.',
      body: Ask,
      answer: { description: 'Its owner, if any.', schema: Asked },
      problems: ['unproved'],
      async handle({ body: { secret } }) {
        const found = await factory.findBySecret(secret);
        if (!found) throw notEnrolled();
        const { serial, kind, claimed } = found;
        if (!claimed) return { serial, kind, claimed };
        if (!(await devices.announceIfPresent(claimed, secret))) throw notEnrolled();
        return { serial, kind, claimed: toDeviceIdentity(claimed, context) };
      },
    }),
  ];
}

function notEnrolled(): FeatureError {
  return new FeatureError('bad-credentials', 'no device has been enrolled with this secret', {
    hint: 'If it was revoked or replaced, let the app make a claim code for the device.',
  });
}
