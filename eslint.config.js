import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["docs/", "node_modules/", ".venv/", "site/", "runs/", "build/", "dist/"] },
  js.configs.recommended,
  {
    files: ["src/slidesum/show/page/front/**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    rules: {
      eqeqeq: "error",
      "no-implicit-coercion": ["error", { boolean: false }],
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      // data becomes text, never markup
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({ property, message: "Build nodes: dom.js." })),
      ],
    },
  },
];
