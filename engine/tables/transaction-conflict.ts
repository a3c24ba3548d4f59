/** Somebody else has changed what a transaction has read. Nothing of it is stored; it may begin again. */
export class TransactionConflict extends Error {
  constructor(options: ErrorOptions = {}) {
    super('another change came in between', options);
    this.name = 'TransactionConflict';
  }
}
