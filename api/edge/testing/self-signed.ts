/** A certificate for 127.0.0.1 that signs itself: DER by hand (RFC 5280), so that no test needs OpenSSL. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const CONSTRUCTED = { sequence: 0x30, set: 0x31, version: 0xa0, extensions: 0xa3 };
const PRIMITIVE = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, text: 0x0c, time: 0x17 };
const ALTERNATIVE_IP = 0x87;
const OID = {
  commonName: '550403',
  alternativeNames: '551d11',
  ecdsaWithSha256: '2a8648ce3d040302',
};

/** One for each call, with a key of its own. @returns both in PEM */
export function selfSigned(): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const name = sequence(
    der(
      CONSTRUCTED.set,
      sequence(oid(OID.commonName), der(PRIMITIVE.text, Buffer.from('homeostat.test'))),
    ),
  );
  const addresses = sequence(der(ALTERNATIVE_IP, Buffer.from([127, 0, 0, 1])));
  const body = sequence(
    der(CONSTRUCTED.version, der(PRIMITIVE.integer, Buffer.from([2]))),
    // A leading one keeps it positive
    der(PRIMITIVE.integer, Buffer.from([1]), randomBytes(8)),
    algorithm,
    name,
    sequence(time('200101000000Z'), time('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      CONSTRUCTED.extensions,
      sequence(sequence(oid(OID.alternativeNames), der(PRIMITIVE.octets, addresses))),
    ),
  );
  const signature = der(PRIMITIVE.bits, Buffer.from([0]), sign('sha256', body, privateKey));
  return {
    cert: pem(sequence(body, algorithm, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Tag, length, content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const whole = Buffer.concat(content);
  const { length } = whole;
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  const size = length < 0x80 ? bytes : [0x80 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...size]), whole]);
}

const sequence = (...content: Buffer[]) => der(CONSTRUCTED.sequence, ...content);
const oid = (hex: string) => der(PRIMITIVE.oid, Buffer.from(hex, 'hex'));
const time = (text: string) => der(PRIMITIVE.time, Buffer.from(text));

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
