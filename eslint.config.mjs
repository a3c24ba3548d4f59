import tseslint from 'typescript-eslint';

/** The engine's rooms, the lowest first: each imports from those before it only. */
const ROOMS = [
  'model',
  'kernel',
  'turn',
  'storage',
  'tables',
  'outbox',
  'log',
  'batch',
  'shard',
  'services',
  'authoring',
];
const TESTS = ['**/*.test.ts', '**/*.contract.ts', '**/contract/**', '**/testing/**'];

const upward = ROOMS.map((room, at) => ({
  files: [`engine/${room}/**/*.ts`],
  ignores: TESTS,
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: ROOMS.slice(at + 1).map((above) => `**/../${above}/**`),
            message: `engine/${room} imports from the rooms below it only (engine/README.md).`,
          },
          ...(room === 'authoring'
            ? []
            : [
                {
                  group: ['**/../create-engine.ts', '**/../index.ts', '**/../kind.ts'],
                  message: 'The doors are for those outside; inside, import the file itself.',
                },
              ]),
        ].filter(({ group }) => group.length > 0),
      },
    ],
  },
}));

// Biome does the rest; these need the type checker, or a table of rooms
export default tseslint.config(
  { ignores: ['dist/**', 'dist-bench/**', 'node_modules/**', 'coverage/**'] },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  ...upward,
);
