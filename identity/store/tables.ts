import type { Generated, Selectable } from 'kysely';

/** Rows as the migrations make them. Times are epoch ms; lists are JSON; yes and no are 1 and 0. */
export interface Tables {
  person: PersonRow;
  registration: RegistrationRow;
  oneTimeCode: OneTimeCodeRow;
  session: SessionRow;
  refreshToken: RefreshTokenRow;
  providerIdentity: ProviderIdentityRow;
  ownership: OwnershipRow;
  membership: MembershipRow;
  invitation: InvitationRow;
  apiKey: ApiKeyRow;
  deviceCredential: DeviceCredentialRow;
  gateway: GatewayRow;
  gatewayDevice: { home: string; twin: string; gateway: string };
  claimCode: ClaimCodeRow;
  factoryToken: FactoryTokenRow;
  enrolment: EnrolmentRow;
  ruleHook: RuleHookRow;
  homeSecret: HomeSecretRow;
  homePolicy: { home: string; provisioning: string; setAt: number };
  homeIncarnation: HomeIncarnationTable;
  closingTwin: { home: string; twin: string; since: number };
  dailyCount: { bucket: string; day: number; count: number };
  secondFactor: SecondFactorRow;
  recoveryCode: { person: string; hash: string };
  audit: AuditRow;
}

export interface PersonRow {
  id: string;
  email: string;
  emailKey: string;
  verifiedAt: number | null;
  passwordHash: string | null;
  name: string;
  language: string;
  isAdmin: number;
  lockedAt: number | null;
  createdAt: number;
}

export interface RegistrationRow {
  id: string;
  email: string;
  emailKey: string;
  passwordHash: string;
  name: string;
  language: string;
  codeHash: string;
  tries: number;
  createdAt: number;
  expiresAt: number;
}

export interface OneTimeCodeRow {
  purpose: string;
  person: string;
  codeHash: string;
  tries: number;
  createdAt: number;
  expiresAt: number;
}

export interface SessionRow {
  id: string;
  person: string | null;
  gateway: string | null;
  deviceName: string | null;
  address: string | null;
  createdAt: number;
  usedAt: number;
  expiresAt: number;
  revokedAt: number | null;
  revokedBecause: string | null;
  provenAt: number | null;
}

export interface RefreshTokenRow {
  position: Generated<number>;
  hash: string;
  session: string;
  parent: string | null;
  issuedAt: number;
  usedAt: number | null;
}

export interface ProviderIdentityRow {
  issuer: string;
  subject: string;
  person: string;
  email: string | null;
  linkedAt: number;
}

export interface OwnershipRow {
  home: string;
  person: string;
  since: number;
}

export interface MembershipRow {
  home: string;
  person: string;
  role: string;
  twins: string | null;
  until: number | null;
  addedBy: string | null;
  addedAt: number;
}

export interface InvitationRow {
  id: string;
  home: string;
  codeHash: string;
  role: string;
  twins: string | null;
  until: number | null;
  email: string | null;
  emailKey: string | null;
  madeBy: string;
  createdAt: number;
  expiresAt: number;
}

export interface ApiKeyRow {
  id: string;
  home: string | null;
  name: string;
  hash: string;
  scopes: string;
  madeBy: string;
  createdAt: number;
  expiresAt: number | null;
  usedAt: number | null;
  revokedAt: number | null;
}

export interface DeviceCredentialRow {
  home: string;
  twin: string;
  hash: string;
  madeBy: string;
  createdAt: number;
  isTold: number;
}

export interface GatewayRow {
  id: string;
  home: string;
  name: string;
  hash: string;
  fetches: number;
  madeBy: string;
  createdAt: number;
  usedAt: number | null;
}

export interface ClaimCodeRow {
  codeHash: string;
  home: string;
  room: string | null;
  twin: string | null;
  incarnation: string | null;
  madeBy: string;
  createdAt: number;
  expiresAt: number;
  takenAt: number | null;
}

export interface FactoryTokenRow {
  id: string;
  name: string;
  hash: string;
  kind: string;
  usesLeft: number;
  madeBy: string;
  createdAt: number;
  expiresAt: number;
}

export interface EnrolmentRow {
  serial: string;
  kind: string;
  factoryToken: string;
  secretHash: string;
  codeHash: string;
  enrolledAt: number;
  home: string | null;
  twin: string | null;
  claimedAt: number | null;
  secretEndedAt: number | null;
}

export interface HomeIncarnationTable {
  number: Generated<number>;
  home: string;
  revision: number;
  beganAt: number;
  madeAt: number | null;
  closingAt: number | null;
  endedAt: number | null;
}
export type HomeIncarnationRow = Selectable<HomeIncarnationTable>;

export interface SecondFactorRow {
  person: string;
  secret: string;
  confirmedAt: number | null;
  lastStep: number;
  createdAt: number;
}

export interface RuleHookRow {
  home: string;
  rule: string;
  hook: string;
  hash: string;
  madeBy: string;
  createdAt: number;
}

export interface HomeSecretRow {
  home: string;
  name: string;
  sealed: string;
  setBy: string;
  setAt: number;
}

export interface AuditRow {
  position: Generated<number>;
  at: number;
  home: string | null;
  who: string;
  address: string | null;
  action: string;
  target: string | null;
  outcome: string;
  detail: string | null;
  correlation: string;
  incarnation: number | null;
}
