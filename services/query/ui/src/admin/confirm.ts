import type { InjectionKey } from "vue";

export interface Question {
  title: string;
  text: string;
  /** The label of the button that confirms. */
  yes: string;
}

/** Asks for confirmation before an action that cannot be undone at once. */
export type Confirm = (question: Question) => Promise<boolean>;

export const confirmKey: InjectionKey<Confirm> = Symbol("confirm");
