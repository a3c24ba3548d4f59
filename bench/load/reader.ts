/** Reads over HTTP as apps do: a process of its own, so that what it costs does not count for the engine. */
import { Agent, request } from 'node:http';
import { summary } from '../statistics.ts';

export interface ReadOrder {
  /** Asked for in turn. */
  urls: string[];
  /** Sent with each, as a POST; default: a GET. */
  body?: object;
  token: string;
  connections: number;
  seconds: number;
}

export interface ReadResult {
  perSecond: number;
  /** ms */
  latency: { p50: number; p99: number; max: number };
  /** Bytes of an answer, on average. */
  bytes: number;
}

async function read({ urls, body, token, connections, seconds }: ReadOrder): Promise<ReadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const sent = body && JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${token}`,
    ...(sent !== undefined && { 'content-type': 'application/json' }),
  };
  const began = performance.now();
  const ends = began + seconds * 1_000;
  const took: number[] = [];
  let bytes = 0;
  let next = 0;
  const worker = async () => {
    while (performance.now() < ends) {
      const asked = performance.now();
      bytes += await fetched(urls[next++ % urls.length] ?? '', sent, { agent, headers });
      took.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  agent.destroy();
  return {
    perSecond: (took.length * 1_000) / (performance.now() - began),
    latency: summary(took),
    bytes: bytes / Math.max(1, took.length),
  };
}

function fetched(
  url: string,
  body: string | undefined,
  options: { agent: Agent; headers: object },
): Promise<number> {
  const method = body === undefined ? 'GET' : 'POST';
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, ...options } as object, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(bytes);
        else reject(new Error(`${url}: ${answer.statusCode}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

process.on('message', (order: ReadOrder) => {
  read(order).then(
    (result) => process.send?.({ type: 'done', result }),
    (error: unknown) => process.send?.({ type: 'failed', error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
