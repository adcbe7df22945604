declare module '*?worker' {
  /** A worker's bundle as text, made by `scripts/build.ts`. */
  const source: string;
  // eslint-disable-next-line no-restricted-syntax -- esbuild gives text as the default export
  export default source;
}
