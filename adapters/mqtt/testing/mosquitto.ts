/** A real Mosquitto for tests, with the values of the configuration that we ship. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../engine/testing/free-port.ts';
import { PACKAGE_ROOT } from '../../../engine/testing/package-root.ts';
import { type Bridge, firstAccounts } from '../dynamic-security-commands.ts';

const PROGRAM = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto'].find(
  (path) => existsSync(path),
);
const PASSWD = ['/usr/bin/mosquitto_passwd', '/usr/local/bin/mosquitto_passwd'].find((path) =>
  existsSync(path),
);

const PLUGIN = [
  '/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so',
  '/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so',
  '/usr/lib/mosquitto_dynamic_security.so',
].find((path) => existsSync(path));

/** Why tests that need a real broker cannot run here; null when they can. For `describe.skipIf`. */
export const mosquittoMissing: string | null = PROGRAM
  ? null
  : 'mosquitto is not installed (apt-get install mosquitto)';

/** The same for the plugin that knows accounts. */
export const dynamicSecurityMissing: string | null =
  mosquittoMissing ?? (PLUGIN ? null : 'mosquitto’s dynamic security plugin is not installed');

export interface MosquittoOptions {
  /** The first account of the dynamic security plugin, instead of users. */
  engine?: { username: string; password: string };
  /** Further first accounts. */
  bridges?: readonly Bridge[];
  /** Name → password. With users, the shipped ACL with its example holds too; without, anonymous clients may do all. */
  users?: Record<string, string>;
  /** Lines that come after the shipped ones. */
  extra?: readonly string[];
}

/** A test run that is broken off must not leave brokers behind: on Linux they die with it. */
const DIES_WITH_US = existsSync('/usr/bin/setpriv')
  ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--']
  : [];

/** A broker on a free loopback port, in a folder of its own that is removed in the end. */
export class Mosquitto implements AsyncDisposable {
  /** The address for the engine and bridges. */
  readonly url: string;
  readonly port: number;
  /** Connects as devices do: their user name is the id of their session. */
  readonly deviceUrl: string;
  readonly #folder: string;
  #process: ChildProcess | null = null;

  private constructor(folder: string, port: number, devicePort: number) {
    this.#folder = folder;
    this.port = port;
    this.url = `mqtt://127.0.0.1:${port}`;
    this.deviceUrl = `mqtt://127.0.0.1:${devicePort}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const folder = await mkdtemp(join(tmpdir(), 'homeostat-mosquitto-'));
    const ports = { engine: await freePort(), devices: await freePort() };
    const broker = new Mosquitto(folder, ports.engine, ports.devices);
    await writeFile(join(folder, 'mosquitto.conf'), await config(folder, ports, options));
    await broker.start();
    return broker;
  }

  /** Starts again what was stopped or killed, on the same port with the same data. */
  async start(): Promise<void> {
    if (!PROGRAM) throw new Error(mosquittoMissing ?? '');
    const [program = PROGRAM, ...args] = [
      ...DIES_WITH_US,
      PROGRAM,
      '-c',
      join(this.#folder, 'mosquitto.conf'),
    ];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (/mosquitto version \S+ running/.test(log)) resolve();
      });
      child.once('exit', (code) => reject(new Error(`mosquitto ended with ${code}:\n${log}`)));
    });
    // It says that it runs a moment before its loop does; a SIGTERM in between would be lost
    await greet(this.port);
  }

  /** It answers nothing any more, and its connections stay. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  /** Ends it as an operator does: it saves its sessions. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

async function config(
  folder: string,
  ports: { engine: number; devices: number },
  { users, engine, bridges, extra = [] }: MosquittoOptions,
): Promise<string> {
  const shipped = new URL('adapters/mqtt/mosquitto/', PACKAGE_ROOT);
  let text = await readFile(new URL('mosquitto.conf', shipped), 'utf8');
  text = text
    .replace(/^listener 1883$/m, `listener ${ports.devices} 127.0.0.1`)
    .replace(/^listener 1884$/m, `listener ${ports.engine} 127.0.0.1`)
    .replace(/^plugin .*$/m, engine ? `plugin ${PLUGIN}` : '')
    .replaceAll('/mosquitto/data/', `${folder}/`)
    .replaceAll('/mosquitto/config/', `${folder}/`);
  if (engine) {
    const file = join(folder, 'dynamic-security.json');
    await writeFile(file, firstAccounts(engine.username, engine.password, bridges), {
      mode: 0o600,
    });
  } else {
    text = text.replace(/^plugin_opt_config_file .*$/m, '');
  }
  if (users) {
    if (!PASSWD) throw new Error('mosquitto_passwd is not installed');
    await writeFile(join(folder, 'passwords'), '', { mode: 0o600 });
    for (const [name, password] of Object.entries(users)) {
      execFileSync(PASSWD, ['-b', join(folder, 'passwords'), name, password], { stdio: 'ignore' });
    }
    const acl = await readFile(new URL('acl', shipped), 'utf8');
    // With the device that it has as an example
    const example = acl.replaceAll(/^# (user flat\/hall|topic \w+ homeostat\/flat\/.*)$/gm, '$1');
    await writeFile(join(folder, 'acl'), example, { mode: 0o600 });
    text = text.replaceAll(/^# (password_file|acl_file) /gm, '$1 ');
  } else if (!engine) {
    text = text.replace('allow_anonymous false', 'allow_anonymous true');
  }
  return [
    text,
    // Started as root it would become another user, who may not write here
    `user ${userInfo().username}`,
    // How we know that it runs
    'log_type information',
    ...extra,
    '',
  ].join('\n');
}

/** Resolves when the broker has answered a CONNECT, with whatever. */
async function greet(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const answered = once(socket, 'data');
  socket.write(Buffer.from('100d00044d5154540402003c000167', 'hex'));
  await answered;
  socket.destroy();
}
