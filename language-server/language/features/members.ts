import type { Member } from '../../../protocol/catalog.ts';
import type { Analysis } from './analysis.ts';
import { structMembers } from './kernel.ts';

/** Members of `struct x` or `union x`, as the script defines it, else as the target's kernel does. */
export function membersOf(
  { parsed, catalog }: Analysis,
  name: string,
): Pick<Member, 'name' | 'type'>[] | undefined {
  for (const item of parsed.program.items)
    if (item.kind === 'c-definition' && `${item.keyword} ${item.name?.text ?? ''}` === name)
      return item.fields.flatMap(({ name: member, typeText, pointers, arraySizes }) =>
        member === undefined
          ? []
          : [
              {
                name: member.text,
                type: `${typeText} ${'*'.repeat(pointers)}${arraySizes.map((size) => `[${size ?? ''}]`).join('')}`.trim(),
              },
            ],
      );
  return structMembers(name, catalog);
}
