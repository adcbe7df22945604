import type * as esbuild from 'esbuild';

/**
 * Large packages that the extension loads on first need, each with the file of ours that stands before it where there is one: they are bundles of
 * their own. In the extension's bundle they were two thirds of what is read for every window.
 */
export const lazyBundles: readonly {
  readonly entry: string;
  readonly imported: RegExp;
  readonly file: string;
}[] = [
  {
    entry: 'extension/editor/language-client.ts',
    imported: /[\\/]language-client\.ts$/,
    file: 'language-client.js',
  },
  { entry: 'execa', imported: /^execa$/, file: 'execa.js' },
];

/** Asks for `lazyBundles` as files beside the bundle. */
export const lazyBundleFiles: esbuild.Plugin = {
  name: 'lazy-bundle-files',
  setup(build) {
    for (const { imported, file } of lazyBundles)
      build.onResolve({ filter: imported }, ({ kind }) =>
        kind === 'entry-point' ? undefined : { path: `./${file}`, external: true },
      );
  },
};
