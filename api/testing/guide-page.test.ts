import { expect, test } from 'vitest';
import { stepsOf } from './guide-page.ts';

const PAGE = `# A page

<!-- file: a.yaml -->

\`\`\`yaml
a: 1
\`\`\`

<!-- given
first
-->

\`\`\`sh
second
third
\`\`\`

<!-- not run: it needs Docker -->

\`\`\`sh
docker
\`\`\`

\`\`\`ts
no command
\`\`\`
`;

test('commands, files and what is given stand in their order, each with its line', () => {
  expect(stepsOf(PAGE)).toEqual([
    { do: 'write', file: 'a.yaml', text: 'a: 1\n', line: 5 },
    { do: 'prepare', text: 'first', line: 9 },
    { do: 'run', text: 'second\nthird', line: 13 },
    { do: 'skip', why: 'it needs Docker', line: 20 },
  ]);
});
