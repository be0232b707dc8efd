import { inject, type InjectionKey } from "vue";

import type { Client } from "../api/client";

export const clientKey: InjectionKey<Client> = Symbol("client");

/** A value that `main.ts` provides. */
export function injected<T>(key: InjectionKey<T>): T {
  const value = inject(key);
  if (value === undefined) throw new Error(`${String(key.description)} is not provided`);
  return value;
}
