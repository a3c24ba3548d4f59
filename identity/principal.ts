/** Who asks: the answer to every credential that any door takes. */
export type Principal =
  /** The bootstrap token: the platform's administrator before there are people. */
  | { type: 'bootstrap' }
  | { type: 'person'; person: string; session: string; isAdmin: boolean }
  | {
      type: 'key';
      key: string;
      home: string | null;
      scopes: readonly string[];
      /** Epoch ms. */
      expiresAt: number | null;
    }
  | { type: 'device'; home: string; twin: string }
  | { type: 'gateway'; gateway: string; home: string; session: string }
  /** Whatever calls a webhook of a rule. */
  | { type: 'hook'; home: string; rule: string; hook: string };

/** The name in journals, logs and the audit. @param principal null: nobody that we know */
export function nameOf(principal: Principal | null): string {
  switch (principal?.type) {
    case 'bootstrap':
      return 'admin';
    case 'person':
      return `person:${principal.person}`;
    case 'key':
      return `key:${principal.key}`;
    case 'device':
      return `device:${principal.home}/${principal.twin}`;
    case 'gateway':
      return `gateway:${principal.gateway}`;
    case 'hook':
      return `hook:${principal.home}/${principal.rule}/${principal.hook}`;
    case undefined:
      return 'nobody';
  }
}

/**
 * On whose account limits count what is taken from everybody. What a home has made (keys, gateways, devices, webhooks)
 * counts as one: whoever makes fifty keys gets no more for it.
 */
export function accountOf(principal: Principal | null): string {
  switch (principal?.type) {
    case 'key':
      return principal.home === null ? nameOf(principal) : `home:${principal.home}`;
    case 'device':
    case 'gateway':
    case 'hook':
      return `home:${principal.home}`;
    default:
      return nameOf(principal);
  }
}
