#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/word_split.hpp>

namespace midtrain::inline MT_ABI::data {

/// The forms in which a talk becomes text.
enum class chat_form { plain, chatml, llama2, llama3, zephyr, alpaca, mistral };

struct chat_message {
    std::string role;  ///< system, user, assistant, or another name where the form writes names
    std::string content;
};

/// A form and what it takes from the tokenizer.
struct chat_style {
    chat_form   form           = chat_form::chatml;
    std::string begin          = "<s>";   ///< the text of the tokenizer's begin token
    std::string end            = "</s>";  ///< and of its end token
    std::string default_system = {};      ///< said where a talk has no system message; empty: nothing is
};

/// A talk as text, and which of its bytes the loss counts: what the assistant says, up to the end of its turn.
struct chat_text {
    std::string                                      text;
    std::vector<std::pair<std::size_t, std::size_t>> learnt;  ///< from byte, to byte
};

namespace detail {

/// Without white space at either end, as Python's strip() and Jinja's trim.
inline std::string_view stripped(std::string_view s) {
    std::size_t first = s.size(), last = 0;
    for (std::size_t at = 0; at < s.size();) {
        auto const c = character_at(s, at);
        if (c.kind != character::space) {
            if (first == s.size()) first = at;
            last = at + c.bytes;
        }
        at += c.bytes;
    }
    return last == 0 ? std::string_view() : s.substr(first, last - first);
}

class chat_writer {
  public:
    chat_writer& say(std::string_view s) { return made.text += s, *this; }
    chat_writer& learn(std::string_view content, std::string_view end) {
        auto const from = made.text.size();
        (made.text += content) += end;
        made.learnt.emplace_back(from, made.text.size());
        return *this;
    }
    /// What an assistant says counts, what others say does not.
    chat_writer& turn(chat_message const& m, std::string_view content, std::string_view end) {
        return m.role == "assistant" ? learn(content, end) : say(content).say(end);
    }
    chat_text made;
};

/// Llama-2 and Mistral: user and assistant in turns; Llama-2's system message stands inside the user's first.
inline chat_text bracketed(chat_style const& style, std::span<chat_message const> talk) {
    bool const  llama2 = style.form == chat_form::llama2, system = llama2 && !talk.empty() && talk[0].role == "system";
    auto const  rest = talk.subspan(system ? 1 : 0);
    chat_writer to;
    if (!llama2) to.say(style.begin);
    for (std::size_t i = 0; i < rest.size(); ++i) {
        auto const& [role, content] = rest[i];
        check(role == (i % 2 == 0 ? "user" : "assistant"), [&, &role = role] {
            return "message " + std::to_string(i + 1 + system) + " is of role '" + role + "' where the chat form " +
                   std::string(llama2 ? "llama2" : "mistral") + " wants user and assistant in turns";
        });
        auto const whole = i == 0 && system ? "<<SYS>>\n" + talk[0].content + "\n<</SYS>>\n\n" + content : content;
        auto const text  = llama2 ? stripped(whole) : std::string_view(whole);
        if (i % 2 == 0) to.say(llama2 ? style.begin : "").say("[INST] ").say(text).say(" [/INST]");
        else if (llama2) to.say(" ").learn(text, " " + style.end);
        else to.learn(text, style.end);
    }
    return std::move(to.made);
}

/// A heading by role, then what is said: Zephyr and Alpaca.
inline chat_text headed(chat_style const& style, std::span<chat_message const> talk) {
    bool const  zephyr = style.form == chat_form::zephyr;
    chat_writer to;
    for (auto const& m : talk) {
        bool const user = m.role == "user", assistant = m.role == "assistant";
        check(user || assistant || m.role == "system",
              [&] { return "role '" + m.role + "' is unknown to the chat form " + std::string(zephyr ? "zephyr" : "alpaca"); });
        if (zephyr) to.say("<|" + m.role + "|>\n").turn(m, m.content, style.end).say("\n");
        else
            to.say(user ? "### Instruction:\n" : assistant ? "### Response:\n" : "")
                .turn(m, m.content, assistant ? style.end : "")
                .say("\n\n");
    }
    return std::move(to.made);
}

}  // namespace detail

/// A talk as its form's template writes it (apply_chat_template, without a prompt for the next answer).
inline chat_text written_chat(chat_style const& style, std::span<chat_message const> talk) {
    using enum chat_form;
    if (style.form == llama2 || style.form == mistral) return detail::bracketed(style, talk);
    if (style.form == zephyr || style.form == alpaca) return detail::headed(style, talk);
    detail::chat_writer to;
    if (style.form == chatml && !style.default_system.empty() && (talk.empty() || talk[0].role != "system"))
        to.say("<|im_start|>system\n" + style.default_system + "<|im_end|>\n");
    if (style.form == llama3 && !talk.empty()) to.say(style.begin);
    for (auto const& m : talk)
        if (style.form == chatml) to.say("<|im_start|>" + m.role + "\n").turn(m, m.content, "<|im_end|>").say("\n");
        else if (style.form == llama3)
            to.say("<|start_header_id|>" + m.role + "<|end_header_id|>\n\n").turn(m, detail::stripped(m.content), "<|eot_id|>");
        else to.turn(m, m.content, "").say("\n");
    return std::move(to.made);
}

namespace detail {

struct known_template {
    std::string_view text;
    chat_form        form;
    std::string_view default_system;
};

// As they stand in the tokenizer_config.json of Zephyr, Llama 2 and 3 and Mistral 0.1, and ChatML's; SmolLM2 and Qwen2 are
// ChatML with a system message of their own.
inline constexpr std::string_view chatml_body =
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
inline constexpr known_template known_templates[] = {
    {"{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
     "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
     "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
     "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
     chat_form::zephyr, ""},
    {"{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
     "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
     "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
     "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
     "{% if loop.index0 == 0 and system_message != false %}"
     "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}"
     "{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
     "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
     "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
     chat_form::llama2, ""},
    {"{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + "
     "'<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
     "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
     "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
     chat_form::llama3, ""},
    {"{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
     "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
     "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
     "{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}"
     "{% endfor %}",
     chat_form::mistral, ""},
};
inline constexpr std::string_view chatml_systems[] = {
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face", "You are a helpful assistant.", "You are a helpful assistant"};

}  // namespace detail

/// The form that a `chat_template` writes, if it is one of those that are known to the letter; Jinja is not interpreted.
inline std::optional<chat_style> known_chat(std::string_view chat_template) {
    for (auto const& k : detail::known_templates)
        if (chat_template == k.text) return chat_style{.form = k.form};
    std::string const loop = "{% for message in messages %}", body(detail::chatml_body);
    if (chat_template == loop + body) return chat_style{.form = chat_form::chatml};
    for (auto const& system : detail::chatml_systems)
        if (chat_template == loop + "{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n" +
                                 std::string(system) + "<|im_end|>\n' }}{% endif %}" + body)
            return chat_style{.form = chat_form::chatml, .default_system = std::string(system)};
    return std::nullopt;
}

}  // namespace midtrain::inline MT_ABI::data
