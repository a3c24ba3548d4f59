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

/** Those of the rules, the lowest first. */
const ROOMS_OF_RULES = [
  ...['expressions', 'language', 'conditions', 'model', 'checker', 'triggers', 'actions'],
  ...['kind', 'check', 'blueprints', 'kits'],
  ...['trial', 'explain', 'reading', 'work', 'home', 'commands', 'routes'],
];

/** Each room of a folder imports from those before it only. @param doors by room, what else it does not import */
const upward = (folder, rooms, doors = () => []) =>
  rooms.map((room, at) => ({
    files: [`${folder}/${room}/**/*.ts`],
    ignores: TESTS,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: rooms.slice(at + 1).map((above) => `**/../${above}/**`),
              message: `${folder}/${room} imports from the rooms below it only (eslint.config.mjs has their order).`,
            },
            ...doors(room),
          ].filter(({ group }) => group.length > 0),
        },
      ],
    },
  }));
const DOORS_OF_ENGINE = {
  group: ['**/../create-engine.ts', '**/../index.ts', '**/../kind.ts'],
  message: 'The doors are for those outside; inside, import the file itself.',
};

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
  {
    files: ['**/*.ts'],
    ignores: TESTS,
    rules: { 'max-lines': ['error', { max: 400 }] },
  },
  ...upward('engine', ROOMS, (room) => (room === 'authoring' ? [] : [DOORS_OF_ENGINE])),
  ...upward('features/rules', ROOMS_OF_RULES),
);
