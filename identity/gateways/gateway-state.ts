/** A gateway as it is in the store, with its devices. */
export interface GatewayState {
  id: string;
  home: string;
  name: string;
  /** Of its secret. */
  hash: string;
  fetches: boolean;
  createdAt: number;
  usedAt: number | null;
  /** For which it speaks, by id. */
  twins: readonly string[];
}
