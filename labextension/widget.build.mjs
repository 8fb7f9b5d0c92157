// Bundles the notebook widget, with its own React, into one file that any front end can load.
import { build } from 'esbuild';

await build({
  entryPoints: { widget: 'src/widget/index.tsx' },
  outdir: '../backends/alongside/static',
  bundle: true,
  format: 'esm',
  minify: true,
  target: 'es2022',
  jsx: 'automatic',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning'
});
