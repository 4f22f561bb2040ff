import { expect, test } from "vitest";
import { classOfAddress, isLoopbackHost } from "./addresses.ts";
import { proxyFor } from "./proxy.ts";

const PROXY = "http://proxy.test:3128";

function viaProxy(url: string, noProxy = ""): boolean {
  return (
    proxyFor(new URL(url), { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, no_proxy: noProxy }) !==
    undefined
  );
}

test("proxies are by scheme, lower case before upper, a bare host means http", () => {
  const https = new URL("https://registry.test/v2/");
  expect(proxyFor(https, { HTTP_PROXY: PROXY })).toBeUndefined();
  expect(proxyFor(https, { HTTPS_PROXY: "other.test:1" })!.href).toBe("http://other.test:1/");
  const both = { https_proxy: "http://low.test", HTTPS_PROXY: "http://up.test" };
  expect(proxyFor(https, both)!.host).toBe("low.test");
  expect(proxyFor(https, { https_proxy: "", HTTPS_PROXY: PROXY })).toBeUndefined();
});

test("a proxy of another kind is refused without showing its password", () => {
  const environment = { HTTPS_PROXY: "socks5://user:secret@host" };
  const ask = (): unknown => proxyFor(new URL("https://a.test"), environment);
  expect(ask).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  expect(ask).toThrow(/^(?!.*secret)/);
});

test("NO_PROXY knows hosts, subdomains, ports, networks and *", () => {
  const rows: [string, string, boolean][] = [
    ["https://a.test", "a.test", false],
    ["https://sub.a.test", "a.test", false],
    ["https://sub.a.test", ".a.test", false],
    ["https://sub.a.test", "*.a.test", false],
    ["https://ba.test", "a.test", true],
    ["https://A.test", "a.TEST", false],
    ["https://a.test", "a.test:443", false],
    ["https://a.test:5000", "a.test:443", true],
    ["http://10.1.2.3", "10.0.0.0/8", false],
    ["http://11.1.2.3", "10.0.0.0/8", true],
    ["http://10.1.2.3", "10.0.0.0/99", true],
    ["http://[fd00::1]:5000", "fd00::/8", false],
    ["https://a.test", "b.test, a.test", false],
    ["https://a.test", "*", false],
    ["https://a.test", "", true],
  ];
  for (const [url, noProxy, expected] of rows) {
    expect([url, noProxy, viaProxy(url, noProxy)]).toEqual([url, noProxy, expected]);
  }
});

test("this machine is never asked for through a proxy", () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.9.9:5000", "[::1]"]) {
    expect(viaProxy(`http://${host}/`)).toBe(false);
  }
});

test("addresses are of the class that they reach, also when IPv4 is inside IPv6", () => {
  const rows = {
    "127.0.0.1": "loopback",
    "169.254.169.254": "loopback",
    "0.0.0.0": "loopback",
    "255.255.255.255": "loopback",
    "::1": "loopback",
    "::": "loopback",
    "fe80::1": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:7f00:1": "loopback",
    "64:ff9b::a9fe:a9fe": "loopback",
    "2002:7f00:1::": "loopback",
    "10.0.0.1": "private",
    "172.31.0.1": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "private",
    "fd12::1": "private",
    "::ffff:10.0.0.1": "private",
    "172.32.0.1": "public",
    "8.8.8.8": "public",
    "2600::1": "public",
  };
  const found = Object.keys(rows).map((address) => [address, classOfAddress(address)]);
  expect(Object.fromEntries(found)).toEqual(rows);
});

test("Docker's rule for plain HTTP: localhost, 127.0.0.0/8, ::1", () => {
  for (const host of ["localhost", "LOCALHOST", "127.0.0.1", "127.255.0.1", "[::1]", "::1"]) {
    expect([host, isLoopbackHost(host)]).toEqual([host, true]);
  }
  for (const host of ["localhost.test", "128.0.0.1", "10.0.0.1", "127.0.0.1.test", "0.0.0.0"]) {
    expect([host, isLoopbackHost(host)]).toEqual([host, false]);
  }
});
