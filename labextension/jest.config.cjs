// What JupyterLab's packages ship is ES modules, which jest must be told to translate.
const modules = [
  '@jupyter',
  '@jupyterlab',
  '@lumino',
  '@microsoft',
  '@rjsf',
  'lib0',
  'nanoid',
  'y-.*',
  'yjs',
  'exenv-es6',
  'lodash-es'
];

module.exports = {
  testEnvironment: 'jsdom',
  roots: ['<rootDir>/tests'],
  setupFiles: ['<rootDir>/tests/browser.cjs'],
  transform: {
    '\\.[jt]sx?$': [
      'ts-jest',
      {
        tsconfig: {
          allowJs: true,
          jsx: 'react-jsx',
          esModuleInterop: true,
          module: 'commonjs',
          target: 'es2022',
          isolatedModules: true,
          noUncheckedIndexedAccess: true,
          strict: true
        },
        diagnostics: false
      }
    ]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${modules.join('|')})/)`],
  moduleNameMapper: { '\\.(css|svg)$': '<rootDir>/tests/nothing.cjs' }
};
