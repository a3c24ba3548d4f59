/** The thread with the connection: does what it is asked, in the order in which it is asked. */
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { tellError } from '../../model/told-error.ts';
import type { Connection } from './connection.ts';
import { openConnection } from './open-connection.ts';
import { operationsOn } from './operations.ts';
import type { Beginning, FromThread, Operation, ToThread } from './protocol.ts';

function main(port: MessagePort, { path, options }: Beginning): void {
  const say = (message: FromThread) => port.postMessage(message);
  let db: Connection;
  try {
    db = openConnection(path, (name) => say({ type: 'migrating', name }));
  } catch (error) {
    say({ type: 'not open', error: tellError(error) });
    return;
  }
  const operations = operationsOn(db, options);
  port.on('message', (message: ToThread) => {
    if (message.type === 'close') {
      db[Symbol.dispose]();
      port.close();
      return;
    }
    const { ask, operation, args } = message;
    (operations[operation] as (...given: unknown[]) => Promise<unknown>)(...args).then(
      (value) => say({ type: 'answer', ask, value }),
      (error: unknown) => say({ type: 'no answer', ask, error: tellError(error) }),
    );
  });
  say({ type: 'open', operations: Object.keys(operations) as Operation[] });
}

if (!isMainThread && parentPort) main(parentPort, workerData as Beginning);
