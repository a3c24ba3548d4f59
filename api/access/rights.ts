/** What somebody with an open stream may still see. */
import { unknownHome } from '../../engine/index.ts';
import {
  accountOf,
  type Identity,
  type IdentityChange,
  type Principal,
} from '../../identity/index.ts';
import { Refusal } from '../problem.ts';
import { type Ask, askAs } from './visibility.ts';

/** The rights of whoever has opened a stream, looked at again whenever they may have changed. */
export class Rights {
  readonly #identity: Identity;
  readonly #principal: Principal | null;

  constructor(identity: Identity, principal: Principal | null) {
    this.#identity = identity;
    this.#principal = principal;
    this.may = askAs(identity, principal);
  }

  /** The account on which their streams count. */
  get account(): string {
    return accountOf(this.#principal);
  }

  /** Whether they may do something now. */
  readonly may: Ask;

  /** @throws EngineError `unknown-home`, Refusal `forbidden` */
  async assertMayFollow(home: string): Promise<void> {
    const decision = await this.#identity.decide(this.#principal, 'home.follow', home);
    if (decision.may) return;
    if (decision.because === 'hidden') throw unknownHome(home);
    throw new Refusal('forbidden', 'you may not follow this home');
  }

  /**
   * @param homes those that are followed just now
   * @param onLost called when what let them in is gone, or one of the homes is not theirs any more
   */
  watch(homes: () => Iterable<string>, onLost: () => void): RightsWatch {
    const look = async () => {
      if (await this.#identity.hasEnded(this.#principal)) return onLost();
      for (const home of homes()) {
        const { may } = await this.#identity.decide(this.#principal, 'home.follow', home);
        if (!may) return onLost();
      }
    };
    const lookSafely = () => {
      // A store that is away takes nobody's rights, and gives none: the next heartbeat looks again
      look().catch(() => {});
    };
    const listening = this.#identity.changes.subscribe((change) => {
      if (concerns(this.#principal, change)) lookSafely();
    });
    return { look: lookSafely, [Symbol.dispose]: () => listening[Symbol.dispose]() };
  }
}

export interface RightsWatch extends Disposable {
  /** Time alone may have ended something. */
  look(): void;
}

function concerns(principal: Principal | null, change: IdentityChange): boolean {
  switch (change.type) {
    case 'session-ended':
      return (
        (principal?.type === 'person' || principal?.type === 'gateway') &&
        principal.session === change.session
      );
    case 'membership':
      return principal?.type === 'person' && principal.person === change.person;
    case 'key-changed':
      return principal?.type === 'key' && principal.key === change.key;
    case 'device-changed':
      return (
        principal?.type === 'device' &&
        principal.home === change.home &&
        principal.twin === change.twin
      );
    case 'unsure':
      return true;
    case 'gateways':
    case 'policy':
      return false;
    case 'gateway-changed':
      return principal?.type === 'gateway' && principal.gateway === change.gateway;
  }
}
