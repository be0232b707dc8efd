import { inject, type InjectionKey } from "vue";

import type { Client } from "../api/client";

export const clientKey: InjectionKey<Client> = Symbol("client");

/** What `main.ts` provides; its absence is a mistake in the program. */
export function injected<T>(key: InjectionKey<T>): T {
  const value = inject(key);
  if (value === undefined) throw new Error(`${String(key.description)} is not provided`);
  return value;
}
