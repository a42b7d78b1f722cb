/*
 * bench_client.c: what the wrapper's work is measured beside: signed requests by
 * libcurl alone, and a parse by json-c alone.
 *
 * usage: bench_client requests ENDPOINT COUNT PROCESSES
 *		  bench_client pages ENDPOINT ARN
 *		  bench_client parse FILE
 *		  bench_client version
 *
 * "pages" asks for a list's pages one after another, and looks only for their
 * tokens.  All but the last print the seconds that the work took; starting the
 * program is not part of it.
 */
#include "postgres_fe.h"

#include <curl/curl.h>
#include <json-c/json.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "aws/sigv4.h"

#define REGION	"us-east-1"
#define ARN		"arn:aws:imagebuilder:" REGION ":123456789012:image/bench-%d/1.0.0/1"

typedef struct Buffer
{
	char	   *data;
	size_t		length;
	size_t		capacity;
} Buffer;

static void
fail(const char *what)
{
	fprintf(stderr, "bench_client: %s\n", what);
	exit(1);
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void
buffer_append(Buffer *buffer, const char *data, size_t length)
{
	if (buffer->length + length > buffer->capacity)
	{
		buffer->capacity = Max(buffer->capacity * 2, buffer->length + length);
		buffer->data = pg_realloc(buffer->data, buffer->capacity);
	}
	memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
}

/* CURLOPT_WRITEFUNCTION */
static size_t
take_body(char *data, size_t size, size_t count, void *userp)
{
	buffer_append(userp, data, size * count);
	return size * count;
}

/* The headers of a GET with a query, or of a POST with a body, signed now. */
static struct curl_slist *
signed_headers(const char *host, const char *path, const NameValue *query, const char *body)
{
	const AwsCredentials credentials = {
		.access_key_id = "AKIDEXAMPLE",
		.secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	};
	SigV4Scope	scope = {.region = REGION,.service = "imagebuilder"};
	NameValue	headers[] = {{"Host", host}, {"X-Amz-Date", scope.date}};
	const SigV4Request request = {
		.method = body ? "POST" : "GET",
		.path = path,
		.normalize_path = true,
		.query = query,
		.nquery = query ? 1 : 0,
		.body = body,
		.body_length = body ? strlen(body) : 0,
		.headers = headers,
		.nheaders = lengthof(headers),
	};
	struct curl_slist *list = NULL;
	char	   *authorization;
	char	   *line;

	sigv4_date(scope.date, time(NULL));
	authorization = sigv4_authorization(&request, &scope, &credentials);
	if (authorization == NULL)
		fail("could not sign");
	for (size_t i = 0; i < lengthof(headers); i++)
	{
		line = psprintf("%s: %s", headers[i].name, headers[i].value);
		list = curl_slist_append(list, line);
		pfree(line);
	}
	line = psprintf("Authorization: %s", authorization);
	list = curl_slist_append(list, line);
	pfree(line);
	pfree(authorization);
	return list;
}

/* Send a request; its answer replaces what "answer" held. */
static void
perform(CURL *handle, const char *url, struct curl_slist *headers, Buffer *answer)
{
	long		status = 0;
	CURLcode	result;

	answer->length = 0;
	curl_easy_setopt(handle, CURLOPT_URL, url);
	curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	result = curl_easy_perform(handle);
	if (result != CURLE_OK)
		fail(curl_easy_strerror(result));
	curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 || answer->length == 0)
		fail("an answer is none");
	curl_slist_free_all(headers);
}

/* GetImage for the image of that number. */
static void
get_image(CURL *handle, const char *endpoint, int number, Buffer *answer)
{
	char	   *arn = psprintf(ARN, number);
	NameValue	query = {"imageBuildVersionArn", arn};
	StringInfoData url;

	initStringInfo(&url);
	appendStringInfo(&url, "%s/GetImage?", endpoint);
	sigv4_query(&url, &query, 1);
	perform(handle, url.data,
			signed_headers(strstr(endpoint, "//") + 2, "/GetImage", &query, NULL), answer);
	pfree(url.data);
	pfree(arn);
}

/* A page of ListImagePackages, whose token is of plain characters and replaces *token. */
static void
get_page(CURL *handle, const char *endpoint, const char *arn, char **token, Buffer *answer)
{
	static const char member[] = "\"nextToken\": \"";
	char	   *url = psprintf("%s/ListImagePackages", endpoint);
	char	   *body = psprintf("{\"imageBuildVersionArn\": \"%s\", \"maxResults\": 25%s%s%s}", arn,
								*token ? ", \"nextToken\": \"" : "", *token ? *token : "",
								*token ? "\"" : "");
	struct curl_slist *headers = signed_headers(strstr(endpoint, "//") + 2,
												"/ListImagePackages", NULL, body);

	headers = curl_slist_append(headers, "Content-Type: application/json");
	curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
	perform(handle, url, headers, answer);
	buffer_append(answer, "", 1);
	*token = strstr(answer->data, member);
	if (*token)
	{
		*token += strlen(member);
		*token = psprintf("%.*s", (int) strcspn(*token, "\""), *token);
	}
	pfree(url);
	pfree(body);
}

/* A handle, which uses one connection. */
static CURL *
make_handle(Buffer *body)
{
	CURL	   *handle = curl_easy_init();

	if (handle == NULL)
		fail("libcurl could not make a handle");
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_PROXY, "");
	curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, body);
	return handle;
}

/* One after another. */
static void
get_images(const char *endpoint, int count)
{
	Buffer		body = {0};
	CURL	   *handle = make_handle(&body);

	for (int i = 0; i < count; i++)
		get_image(handle, endpoint, i, &body);
	curl_easy_cleanup(handle);
	pg_free(body.data);
}

/* So many requests one after another, in each of so many processes at once. */
static void
measure_requests(const char *endpoint, int count, int processes)
{
	double		began;

	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		fail("could not start libcurl");
	began = seconds_now();
	for (int i = 0; i < processes; i++)
	{
		pid_t		pid = fork();

		if (pid < 0)
			fail("could not fork");
		if (pid == 0)
		{
			get_images(endpoint, count);
			_exit(0);
		}
	}
	for (int i = 0; i < processes; i++)
	{
		int			status;

		if (wait(&status) < 0 || status != 0)
			fail("a process failed");
	}
	printf("%.6f\n", seconds_now() - began);
}

static void
measure_pages(const char *endpoint, const char *arn)
{
	Buffer		body = {0};
	CURL	   *handle;
	char	   *token = NULL;
	double		began;

	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		fail("could not start libcurl");
	began = seconds_now();
	handle = make_handle(&body);
	do
		get_page(handle, endpoint, arn, &token, &body);
	while (token);
	printf("%.6f\n", seconds_now() - began);
	curl_easy_cleanup(handle);
	pg_free(body.data);
}

static Buffer
read_file(const char *path)
{
	Buffer		file = {0};
	FILE	   *stream = fopen(path, "r");
	char		block[65536];
	size_t		length;

	if (stream == NULL)
		fail("could not open the file");
	while ((length = fread(block, 1, sizeof(block), stream)) > 0)
		buffer_append(&file, block, length);
	fclose(stream);
	return file;
}

static void
measure_parse(const char *path)
{
	Buffer		file = read_file(path);
	double		began = seconds_now();
	json_tokener *tokener = json_tokener_new();
	json_object *object = json_tokener_parse_ex(tokener, file.data, (int) file.length);

	if (object == NULL)
		fail(json_tokener_error_desc(json_tokener_get_error(tokener)));
	printf("%.6f\n", seconds_now() - began);
	json_object_put(object);
	json_tokener_free(tokener);
	pg_free(file.data);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "requests") == 0)
		measure_requests(argv[2], atoi(argv[3]), atoi(argv[4]));
	else if (argc == 4 && strcmp(argv[1], "pages") == 0)
		measure_pages(argv[2], argv[3]);
	else if (argc == 3 && strcmp(argv[1], "parse") == 0)
		measure_parse(argv[2]);
	else if (argc == 2 && strcmp(argv[1], "version") == 0)
		printf("%s\n", curl_version_info(CURLVERSION_NOW)->version);
	else
		fail("usage: bench_client requests ENDPOINT COUNT PROCESSES | pages ENDPOINT ARN | parse FILE | version");
	return 0;
}
