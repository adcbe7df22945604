// `npm run package`: builds and writes dist/probescope.vsix.
import { join, resolve } from 'node:path';
import { createVSIX } from '@vscode/vsce';

const root = resolve(import.meta.dirname, '..');
export const vsix = join(root, 'dist', 'probescope.vsix');

/** Packages what `npm run build` left in dist; everything is bundled, so node_modules stay out. */
export async function packageExtension(): Promise<string> {
  await createVSIX({
    // The README's links to other files are for readers of the repository; there is no published address to point them at.
    rewriteRelativeLinks: false,
    cwd: root,
    packagePath: vsix,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: true,
  });
  return vsix;
}

if (import.meta.main) {
  await import('./build.ts');
  await packageExtension();
}
