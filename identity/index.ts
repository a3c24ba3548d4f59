/** The door to identity: who is who, and who may what. */
export type { AuditEntry, AuditedAction } from './audit/audit.ts';
export type { IdentityChange } from './changes.ts';
export type { Decision } from './decision.ts';
export type { AnnounceSecret } from './devices/device-address.ts';
export { DeviceCredentials } from './devices/device-credentials.ts';
export type { Enrolment, FactoryToken } from './devices/factory.ts';
export type { HomePolicy } from './devices/home-policy.ts';
export type { Speaker } from './devices/mqtt-accounts.ts';
export { IdentityError, type IdentityErrorCode } from './errors.ts';
export type { Gateway } from './gateways/gateways.ts';
export type { IdentityQuotas } from './homes/home-quota.ts';
export type { Invitation } from './homes/invitations.ts';
export type { Admission, Member, Membership } from './homes/memberships.ts';
export type { Existence } from './homes/twin-life.ts';
export { Identity, type IdentityOptions } from './identity.ts';
export type { ApiKey } from './keys/api-keys.ts';
export { LONGEST_MAILBOX, MAILBOX } from './mail/mailbox.ts';
export { createMailer, type Mailer } from './mail/mailer.ts';
export { LANGUAGES, type Language } from './mail/templates.ts';
export type { Person } from './people/accounts.ts';
export type { Listed } from './people/directory.ts';
export { LONGEST_PASSWORD, SHORTEST_PASSWORD } from './people/passwords.ts';
export { REGISTRATION_MODES, type RegistrationMode } from './people/registrations.ts';
export {
  type ActionRule,
  CORE_ACTIONS,
  type CoreAction,
  HOME_ROLES,
  type HomeRole,
  Permissions,
  type Place,
  ROLES,
  type Role,
} from './permissions.ts';
export { accountOf, nameOf, type Principal } from './principal.ts';
export type { ProviderOptions } from './providers/provider.ts';
export type { LinkedProvider, ProviderSettings } from './providers/providers.ts';
export type { HomeSecret } from './services/home-secrets.ts';
export type { RuleHook } from './services/rule-hooks.ts';
export type { From, Grant } from './sessions/sessions.ts';
export { openIdentityDatabase } from './store/open.ts';
