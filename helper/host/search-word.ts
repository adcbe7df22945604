/** The helper's first argument where it only searches for binaries. */
export const SEARCH_WORD = 'search';
