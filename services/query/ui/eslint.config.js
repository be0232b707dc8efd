import skipFormatting from "@vue/eslint-config-prettier/skip-formatting";
import vue from "eslint-plugin-vue";
import typescript from "typescript-eslint";

export default typescript.config(
  { ignores: ["dist/", "node_modules/", "src/api/schema.d.ts"] },
  typescript.configs.strict,
  vue.configs["flat/recommended"],
  { files: ["**/*.vue"], languageOptions: { parserOptions: { parser: typescript.parser } } },
  {
    rules: {
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/multi-word-component-names": ["error", { ignores: ["App", "Poster"] }],
      "vue/no-v-html": "error", // texts from sources are never rendered as HTML
    },
  },
  skipFormatting,
);
