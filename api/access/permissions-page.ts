import {
  type ActionRule,
  type Permissions,
  type Place,
  ROLES,
  type Role,
} from '../../identity/index.ts';

const PLACES: [Place, string][] = [
  ['open', 'For everyone, without a token'],
  ['signed-in', 'For everyone with a token'],
  ['person', 'For people, on what is theirs'],
  ['gateway', 'For gateways, on what is assigned to them'],
  ['hook', 'For who has the secret of a rule’s webhook'],
  ['platform', 'Above all homes'],
  ['home', 'In a home'],
  ['twin', 'On a twin'],
];

const WITHOUT_ROLES: readonly Place[] = ['open', 'signed-in', 'person', 'gateway', 'hook'];

const INTRODUCTION = `# Who may do what

Made from \`identity/permissions.ts\` and the actions of the features, which every door asks: REST, WebSocket, server-sent events and
MQTT.
Each operation of the OpenAPI document names its action (\`x-permission\`).

- **platform**: \`ADMIN_TOKEN\`, and people who run the platform. **owner**, **admin**, **member**, **guest**: what
  somebody is in a home; one is its owner. **device**, **gateway**: by their own secrets.
- *own*: on some twins only. A guest's are those that the invitation lists, a device's is itself, a gateway's are
  the devices that are assigned to it.
- **key**: whether an API key can have it as a scope. A key may do what its scopes list, in its home.
- A home that somebody is nothing in answers like one that does not exist: 404.
`;

/** The table as Markdown. */
export function permissionsPage(permissions: Permissions): string {
  const sections = PLACES.map(([place, title]) => {
    const actions = permissions.actions.filter((action) => permissions.of(action).place === place);
    const roles = WITHOUT_ROLES.includes(place) ? [] : ROLES;
    const head = ['action', 'what', ...roles, 'key'];
    const rows = actions.map((action) => {
      const rule = permissions.of(action);
      const cells = roles.map((role) => cellOf(rule, role));
      return [`\`${action}\``, rule.what, ...cells, rule.forKeys ? 'yes' : ''];
    });
    return `## ${title}\n\n${tableOf([head, head.map(() => '---'), ...rows])}`;
  });
  return `${[INTRODUCTION, ...sections].join('\n')}`;
}

function cellOf({ who, own }: ActionRule, role: Role): string {
  if (who.includes(role)) return 'yes';
  return own?.includes(role) ? '*own*' : '';
}

function tableOf(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
