import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CAP_SYS_ADMIN = 21n;

/** Why there can be no small disk here; null when there can. */
export const smallDiskMissing: string | null = mayMount()
  ? null
  : 'a small disk is a tmpfs: Linux, and the right to mount (root; in a container CAP_SYS_ADMIN)';

/** A disk of a few MB that can be filled to the last byte. */
export class SmallDisk implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param owner a file whose owner the disk shall have */
  static async mount(megabytes: number, owner?: string): Promise<SmallDisk> {
    const folder = await mkdtemp(join(tmpdir(), 'homeostat-disk-'));
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
    if (owner !== undefined) {
      const { uid, gid } = await stat(owner);
      await chown(folder, uid, gid);
    }
    return new SmallDisk(folder);
  }

  /** Nothing more can be written. */
  async fill(): Promise<void> {
    // In ever smaller pieces, down to the last block
    for (let size = 1 << 20; size >= 4_096; size >>= 1) {
      while (await wasWritten(this.#ballast, Buffer.alloc(size))) {
        // until this piece does not fit any more
      }
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Lazily: whoever still has a file open there must not keep it
    await run('umount', ['-l', this.folder]);
    await rm(this.folder, { recursive: true, force: true });
  }

  get #ballast(): string {
    return join(this.folder, 'ballast');
  }
}

function mayMount(): boolean {
  if (process.platform !== 'linux') return false;
  const status = readFileSync('/proc/self/status', 'utf8');
  const [, rights = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  return ((BigInt(`0x${rights}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}

async function wasWritten(path: string, piece: Buffer): Promise<boolean> {
  try {
    await writeFile(path, piece, { flag: 'a' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}
