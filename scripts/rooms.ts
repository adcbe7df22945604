/**
 * The rooms and their doors: who may import whom. The lint rule and `test/unit/rooms.test.ts` read this one table.
 * A room may always import itself; what is not listed may not be imported.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  fields: ['protocol'],
  profile: ['protocol'],
  helper: ['protocol', 'fields', 'profile'],
  'language-server/language': ['protocol'],
  'language-server': ['protocol', 'language-server/language'],
  webview: ['protocol', 'fields', 'profile'],
  'extension/core': ['protocol', 'fields', 'profile'],
  extension: ['protocol', 'fields', 'profile', 'extension/core'],
  cli: ['protocol', 'fields', 'profile', 'helper', 'language-server/language', 'extension/core'],
};

/** Rooms in which `vscode` may be imported, and those without Node's own modules. */
const vscodeRooms = ['extension'];
const roomsWithoutNode = ['protocol', 'fields', 'profile', 'language-server/language', 'webview'];

/** The innermost room that holds a file (path from the repository's root), or undefined for tests, scripts and benches. */
function roomOf(path: string): string | undefined {
  return Object.keys(rooms)
    .filter((room) => path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/**
 * Why `importer` may not import `imported`, or undefined when it may.
 * Both are paths from the repository's root; `imported` may also be a module's bare name.
 */
export function refusal(importer: string, imported: string): string | undefined {
  const room = roomOf(importer);
  if (room === undefined) return undefined;
  if (imported === 'vscode') return vscodeRooms.includes(room) ? undefined : `${room} may not import vscode`;
  if (imported.startsWith('node:'))
    return roomsWithoutNode.includes(room) ? `${room} may not import Node's own modules` : undefined;
  const other = roomOf(imported);
  if (other === undefined || other === room || rooms[room]?.includes(other)) return undefined;
  return `${room} may not import ${other}`;
}
