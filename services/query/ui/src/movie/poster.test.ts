import { mount } from "@vue/test-utils";
import { describe, expect, it } from "vitest";

import { movie } from "../testing";
import Poster from "./Poster.vue";

const withPicture = (id: string, poster: string | null) => ({
  props: { movie: movie(id, { poster }) },
});

describe("posters", () => {
  it("are drawn where there is no picture", () => {
    const poster = mount(Poster, withPicture("tt1", null));
    expect(poster.find("svg").exists()).toBe(true);
    expect(poster.find("img").exists()).toBe(false);
  });

  it("show a picture once it is loaded, and are drawn until then", async () => {
    const poster = mount(Poster, withPicture("tt1", "/posters/a.webp"));
    const image = poster.get("img");
    expect(image.attributes()).toMatchObject({
      src: "/posters/a.webp",
      alt: "",
      width: "342",
      height: "513",
      loading: "lazy",
      decoding: "async",
    });
    expect(poster.find("svg").exists()).toBe(true);
    expect(image.classes()).not.toContain("loaded");
    await image.trigger("load");
    expect(image.classes()).toContain("loaded");
  });

  it("stay drawn if the picture cannot be loaded, until there is another one", async () => {
    const poster = mount(Poster, withPicture("tt1", "/posters/a.webp"));
    await poster.get("img").trigger("error");
    expect(poster.find("img").exists()).toBe(false);
    await poster.setProps({ movie: movie("tt2", { poster: "/posters/b.webp" }) });
    expect(poster.get("img").attributes("src")).toBe("/posters/b.webp");
    expect(poster.get("img").classes()).not.toContain("loaded");
  });

  it("hide from those who cannot see them, as the text beside them says the same", () => {
    const poster = mount(Poster, withPicture("tt1", "/posters/a.webp"));
    expect(poster.attributes("aria-hidden")).toBe("true");
  });
});
