export const repository: string;
export const cache: string;
export function node24(): string;
