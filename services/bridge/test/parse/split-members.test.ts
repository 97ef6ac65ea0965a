import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitMembers } from "../../src/parse/split-members.ts";

const bytes = (text: string) => Buffer.from(text);
const split = (text: string, key: string | null = "alerts") => {
  const result = splitMembers(bytes(text), key ?? undefined);
  if (result.kind === "unbalanced") return result.reason;
  return {
    envelope: Buffer.from(result.body.envelope).toString(),
    members: result.body.members.map(({ raw }) => Buffer.from(raw).toString()),
  };
};

describe("taking a body apart", () => {
  test("gives every member as it was written, and the body without them", () => {
    expect(split('{"version":"4", "alerts": [ {"a": 1} ,\n{"b":[2,3]}], "x":{"alerts":[9]}}')).toEqual({
      envelope: '{"version":"4", "alerts": [], "x":{"alerts":[9]}}',
      members: ['{"a": 1}', '{"b":[2,3]}'],
    });
  });

  test("reads the list at the top and no list further in", () => {
    expect(split('{"labels":{"alerts":[1]},"data":[["alerts",[2]]]}')).toMatchObject({ members: [] });
  });

  test("knows a key that is written with escapes", () => {
    expect(split('{"\\u0061lerts":[1]}')).toMatchObject({ members: ["1"] });
  });

  test("is not misled by brackets, commas and quotes inside text", () => {
    const member = '{"a":"],},{\\",[","b":"\\\\"}';
    expect(split(`{"alerts":[${member},${member}]}`)).toMatchObject({ members: [member, member] });
  });

  test("does not take a text value named like the list for the list", () => {
    expect(split('{"x":"alerts","y":[1,2]}')).toMatchObject({ members: [] });
  });

  test.each([
    ['{"alerts":[]}', []],
    ['{"alerts":[ \n ]}', []],
    ['{"alerts":[1,]}', ["1", ""]],
    ['{"alerts":[,1]}', ["", "1"]],
    ['{"alerts":[1],"alerts":[2]}', ["1", "2"]],
    ['\ufeff{"alerts":[1]}', ["1"]],
  ])("of %s gives %j", (body, members) => {
    expect(split(body)).toMatchObject({ members });
  });

  test("of a body that is itself a list gives its members", () => {
    expect(split('[{"a":[1]}, 2]', null)).toEqual({ envelope: "[]", members: ['{"a":[1]}', "2"] });
    const result = splitMembers(bytes('[{"a":[1]}, 2]'), undefined);
    expect(result.kind === "split" && result.body.members.map(({ depth }) => depth)).toEqual([2, 0]);
  });

  test.each(['{"alerts":[', '{"alerts":[{"a":1}', '{"alerts":["', "]", '{"alerts":[}]', '{"a":"\\"'])(
    "refuses the broken body %s",
    (body) => {
      expect(split(body)).toBeTypeOf("string");
    },
  );

  test("measures 8 million nested brackets instead of following them", () => {
    const deep = "[".repeat(8_000_000) + "]".repeat(8_000_000);
    const result = splitMembers(bytes(`{"alerts":[{"a":${deep}},2]}`), "alerts");
    expect(result.kind === "split" && result.body.members.map(({ depth }) => depth)).toEqual([8_000_001, 0]);
    expect(split(`{"a":${deep}}`)).toContain("nests");
  });

  test("finds the members of any list in any JSON that surrounds it", () => {
    void fc.assert(
      fc.property(
        fc.array(fc.json()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, 1),
        (members, around, indent) => {
          delete around["alerts"];
          const text = JSON.stringify({ ...around, alerts: "HERE", after: [around] }, null, indent).replace(
            '"HERE"',
            () => `[${members.join(" ,")}]`,
          );
          expect(split(text)).toMatchObject({ members: members.map((member) => member.trim()) });
        },
      ),
    );
  });

  test("gives the text of each member where the body is all ASCII, and leaves it to its bytes where it is not", () => {
    const members = (body: string) => {
      const result = splitMembers(bytes(body), "alerts");
      return result.kind === "split" ? result.body.members : [];
    };
    const ascii = members('{"x":1, "alerts":[ {"a":1} ,2 , ]}');
    expect(ascii.map(({ text }) => text)).toEqual(['{"a":1}', "2", ""]);
    expect(ascii.map(({ raw }) => Buffer.from(raw).toString())).toEqual(['{"a":1}', "2", ""]);
    const other = members('{"x":"é", "alerts":[ {"a":1} ]}');
    expect(other.map(({ raw, text }) => [Buffer.from(raw).toString(), text])).toEqual([['{"a":1}', undefined]]);
  });
});
