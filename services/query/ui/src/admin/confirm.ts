import type { InjectionKey } from "vue";

export interface Question {
  title: string;
  text: string;
  /** What happens on a yes, as the button says it. */
  yes: string;
}

/** Ask before something is done that cannot be taken back at once. */
export type Confirm = (question: Question) => Promise<boolean>;

export const confirmKey: InjectionKey<Confirm> = Symbol("confirm");
