/** The program of a thread that does long work with rules: the kinds of this server, and the feature's jobs. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type JobThreadBeginning, serveJobs } from '../features/rules/index.ts';
import { loadKinds } from './kinds/load-kinds.ts';

if (!isMainThread && parentPort) {
  const { kindsDir } = workerData as JobThreadBeginning;
  serveJobs(
    parentPort,
    loadKinds(kindsDir).then(({ all }) => all),
  );
}
