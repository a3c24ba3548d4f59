import { hostname } from 'node:os';

const ANY_HOST = new Set(['0.0.0.0', '[::]']);

/**
 * The broker as devices reach it: who listens everywhere says so with an address that leads nowhere.
 * @param publicUrl of the server, which the embedded broker runs beside; null: this machine's name will do
 */
export function reachableUrl(brokerUrl: string, publicUrl: string | null): string {
  const { protocol, hostname: host, port } = new URL(brokerUrl);
  if (!ANY_HOST.has(host)) return brokerUrl;
  const known = publicUrl === null ? hostname() : new URL(publicUrl).hostname;
  return `${protocol}//${known}:${port}`;
}
