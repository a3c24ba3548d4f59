/**
 * A device gone wild: sends as fast as it is acknowledged. A process of its own, so that what others
 * feel of it is the engine's and the broker's doing. `flooder-main <url> <topic> <samples>`
 */
import { connectAsync } from 'mqtt';

const UNDERWAY = 1_000;

const [url = '', topic = '', samples = '0'] = process.argv.slice(2);
const client = await connectAsync(url, { protocolVersion: 4 });
let left = Number(samples);
let acknowledged = 0;

async function pour(): Promise<void> {
  while (left-- > 0) {
    const payload = JSON.stringify({ temperature: left % 100, humidity: 50 });
    await client.publishAsync(topic, payload, { qos: 1 });
    acknowledged++;
  }
}

await Promise.all(Array.from({ length: UNDERWAY }, pour));
await client.endAsync();
process.send?.(acknowledged);
process.disconnect();
