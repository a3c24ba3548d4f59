import { describe } from 'vitest';
import { commitContract } from './contract/commit.ts';
import { historyContract } from './contract/history.ts';
import { homesContract } from './contract/homes.ts';
import { lettersContract } from './contract/letters.ts';
import { logContract } from './contract/log.ts';
import { ownershipContract } from './contract/ownership.ts';
import { projectionsContract } from './contract/projections.ts';
import { samplesContract } from './contract/samples.ts';
import type { OpenSubject } from './contract/subject.ts';
import { twinsContract } from './contract/twins.ts';
import { upkeepContract } from './contract/upkeep.ts';

/** What every storage promises the engine. Each test gets a fresh, empty database. */
export function storageContract(name: string, open: OpenSubject): void {
  describe(name, () => {
    ownershipContract(open);
    commitContract(open);
    twinsContract(open);
    homesContract(open);
    logContract(open);
    projectionsContract(open);
    historyContract(open);
    samplesContract(open);
    lettersContract(open);
    upkeepContract(open);
  });
}
