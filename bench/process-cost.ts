import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second. */
const TICK_SECONDS = 0.01;

/** Processor time of a process and of all below it, s. 0 where there is no /proc. */
export function cpuSeconds(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const processes = readAll();
  let ticks = 0;
  const wanted = [pid];
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    const found = processes.get(next);
    if (!found) continue;
    ticks += found.ticks;
    for (const [child, { parent }] of processes) if (parent === next) wanted.push(child);
  }
  return ticks * TICK_SECONDS;
}

function readAll(): Map<number, { parent: number; ticks: number }> {
  const processes = new Map<number, { parent: number; ticks: number }>();
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    // Not Linux: then there is no processor time to tell of
    return processes;
  }
  for (const name of names) {
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8');
      // After the program's name, which may hold spaces: state, parent, …, utime, stime, cutime, cstime
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
      processes.set(Number(name), { parent: Number(fields[1]), ticks });
    } catch {
      // It has ended meanwhile
    }
  }
  return processes;
}

/** Resident memory of one process, bytes. 0 where there is no /proc. */
export function rssBytes(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1_024;
  } catch {
    return 0; // it has ended, or this is not Linux
  }
}
