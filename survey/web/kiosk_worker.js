"use strict";
// The service worker of a kiosk: serves its pages without the server, keeps what is answered in
// IndexedDB, on disk before the respondent is thanked, and delivers it until the server has said
// that it has it. SETUP is put before it: the pages to keep, and words.
const scope = self.registration.scope;
const cacheName = "kiosk " + scope;
const at = path => new URL(path, scope).href;
const batch = 25;

const finished = t => new Promise((yes, no) => { t.oncomplete = yes; t.onabort = t.onerror = () => no(t.error); });
const result = r => new Promise((yes, no) => { r.onsuccess = () => yes(r.result); r.onerror = () => no(r.error); });
const store = () => {
	const r = indexedDB.open(cacheName, 1);
	r.onupgradeneeded = () => { r.result.createObjectStore("queue", { keyPath: "id" }); r.result.createObjectStore("said"); };
	return result(r);
};
const strict = { durability: "strict" };

oninstall = e => e.waitUntil(caches.open(cacheName).then(c => c.addAll(SETUP.pages.map(p => new Request(at(p), { cache: "reload" })))).then(() => skipWaiting()));
onactivate = e => e.waitUntil(clients.claim());
onmessage = e => e.waitUntil(flush());
onsync = e => e.waitUntil(flush());

onfetch = e => {
	const url = new URL(e.request.url), path = e.request.url.startsWith(scope) ? url.pathname.slice(new URL(scope).pathname.length) : null;
	const lang = url.searchParams.get("lang"), query = lang ? "?lang=" + encodeURIComponent(lang) : "";
	if (e.request.method === "POST" && path === "ask") {
		const kept = keep(e.request, "thanks" + query);
		e.respondWith(kept);
		e.waitUntil(kept.then(flush));
	} else if (e.request.method === "GET" && path === "queue") {
		e.respondWith(report());
	} else if (e.request.method === "GET" && (path === "" || path === "ask" || path === "thanks")) {
		e.respondWith(page(e, at(path + query)));
	}
};

// page is the kept one at once, and what the server has by now the next time.
async function page(e, url) {
	const cache = await caches.open(cacheName), kept = await cache.match(url);
	const fresh = fetch(url, { cache: "no-store" }).then(async r => {
		if (r.ok || r.status === 410) await cache.put(url, r.clone());
		return r;
	});
	if (!kept) return fresh;
	e.waitUntil(fresh.catch(() => {}));
	return kept;
}

// keep puts an answer into the queue. Where the disk has no room the server is asked at once.
async function keep(request, next) {
	const whole = request.clone(), form = await request.text(), id = new URLSearchParams(form).get("_id");
	try {
		const db = await store(), t = db.transaction("queue", "readwrite", strict);
		t.objectStore("queue").put({ id, form });
		await finished(t);
		db.close();
	} catch {
		return fetch(whole);
	}
	return Response.redirect(at(next), 303);
}

// flush delivers the queue once through. Two of them may run at a time: the server tells what it
// has by the ids.
let flushing;
const flush = () => flushing ||= send().finally(() => { flushing = undefined; });

async function send() {
	const db = await store();
	const say = async (key, value) => {
		const t = db.transaction("said", "readwrite");
		t.objectStore("said").put(value, key);
		await finished(t);
	};
	try {
		for (let last = ""; ;) {
			const rows = await result(db.transaction("queue").objectStore("queue").getAll(IDBKeyRange.lowerBound(last, true), batch));
			if (!rows.length) break;
			last = rows.at(-1).id;
			const r = await fetch(at("answers"), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ now: Date.now(), answers: rows }) });
			if (!r.ok) { await say("failed", new Date().toISOString() + " HTTP " + r.status); break; }
			const said = await r.json(), t = db.transaction("queue", "readwrite", strict);
			for (const id of said.done) t.objectStore("queue").delete(id);
			await finished(t);
			await say("delivered", new Date().toISOString());
			for (const id in said.refused) await say("refused " + id, said.refused[id]);
		}
	} catch (err) {
		await say("failed", new Date().toISOString() + " " + err);
	}
	db.close();
}

// report tells whoever looks after the device what waits on it.
async function report() {
	const db = await store(), n = await result(db.transaction("queue").objectStore("queue").count());
	const s = db.transaction("said").objectStore("said"), keys = await result(s.getAllKeys()), values = await result(s.getAll());
	db.close();
	const lines = [SETUP.waiting + ": " + n];
	keys.forEach((k, i) => { const [word, id] = k.split(" "); lines.push(SETUP[word] + (id ? " " + id : "") + ": " + values[i]); });
	return new Response(lines.join("\n") + "\n", { headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } });
}
